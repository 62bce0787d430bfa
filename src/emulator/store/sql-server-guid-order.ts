/**
 * A key that sorts GUIDs as SQL Server sorts uniqueidentifiers: by the last group first, and the first three
 * groups byte by byte from their end. Live paging cookies show exactly this order.
 */
export function sqlServerOrder(guid: string): string {
  const [a = '', b = '', c = '', d = '', e = ''] = guid.split('-');
  return e + d + reversedBytes(c) + reversedBytes(b) + reversedBytes(a);
}

function reversedBytes(hex: string): string {
  let reversed = '';
  for (let index = hex.length - 2; index >= 0; index -= 2) reversed += hex.slice(index, index + 2);
  return reversed;
}
