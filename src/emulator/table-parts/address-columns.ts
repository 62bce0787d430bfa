import type { Column } from '../definitions/column.ts';
import { choice, double, guid, text } from './column-kinds.ts';

/** The block `Address<n>_…` that accounts, contacts, leads and users carry. */
export function addressColumns(table: string, number: 1 | 2, extent: 'short' | 'full'): Column[] {
  const prefix = `Address${number}`;
  const en = `Address ${number}`;
  const de = `Adresse ${number}`;
  const columns = [
    text(`${prefix}_Line1`, [`${en}: Street 1`, `${de}: Straße 1`], 250),
    text(`${prefix}_City`, [`${en}: City`, `${de}: Ort`], 80),
    text(`${prefix}_PostalCode`, [`${en}: ZIP/Postal Code`, `${de}: Postleitzahl`], 20),
    text(`${prefix}_Country`, [`${en}: Country/Region`, `${de}: Land/Region`], 80),
  ];
  if (extent === 'short') return columns;
  return [
    ...columns,
    guid(`${prefix}_AddressId`, [`${en}: ID`, `${de}: ID`], { isLogical: true }),
    text(`${prefix}_Line2`, [`${en}: Street 2`, `${de}: Straße 2`], 250),
    text(`${prefix}_StateOrProvince`, [`${en}: State/Province`, `${de}: Bundesland`], 50),
    double(`${prefix}_Latitude`, [`${en}: Latitude`, `${de}: Breitengrad`], {
      minValue: '-90.0',
      maxValue: '90.0',
    }),
    double(`${prefix}_Longitude`, [`${en}: Longitude`, `${de}: Längengrad`], {
      minValue: '-180.0',
      maxValue: '180.0',
    }),
    choice(
      table,
      `${prefix}_AddressTypeCode`,
      [`${en}: Address Type`, `${de}: Adresstyp`],
      [
        { value: 1, label: ['Bill To', 'Rechnung an'] },
        { value: 2, label: ['Ship To', 'Lieferung an'] },
        { value: 3, label: ['Primary', 'Primär'] },
        { value: 4, label: ['Other', 'Sonstige'] },
      ],
    ),
  ];
}
