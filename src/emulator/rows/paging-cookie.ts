/** The position of a tracked walk: its bounds, and the last row version or tombstone version that was served. */
export interface TrackingPosition {
  readonly pageNumber: number;
  /** The version the delta starts after; null during an initial load. */
  readonly from: bigint | null;
  /** The highest version of the walk. The first page fixes it. */
  readonly max: bigint;
  readonly phase: 'rows' | 'tombstones';
  readonly after: bigint;
}

/** The position of an ordinary walk: the last id that was served. */
export interface KeyPosition {
  readonly pageNumber: number;
  readonly firstId: string;
  readonly lastId: string;
  /** The partition of that row on elastic tables, where several rows may have one id. */
  readonly lastPartition: string | null;
}

const OUTER = /^<cookie pagenumber="(\d+)" pagingcookie="([^"]*)"(?: istracking="(True|False)")? \/>$/;

/** The `$skiptoken` of a tracked walk, encoded as links carry it. */
export function encodeTrackingCookie(position: TrackingPosition): string {
  const bounds =
    position.from === null
      ? `maxTimestamp="${position.max}"`
      : `minTimestamp="${position.from}" maxTimestamp="${position.max}"`;
  const element = position.phase === 'rows' ? 'versionnumber' : 'deletedversionnumber';
  const inner = `<cookie page="${position.pageNumber - 1}" ${bounds}><${element} last="${position.after}" /></cookie>`;
  return encodeOuter(position.pageNumber, inner, true);
}

/** The `$skiptoken` of a walk in key order. */
export function encodeKeyCookie(position: KeyPosition, primaryId: string): string {
  const last = `{${position.lastId.toUpperCase()}}`;
  const first = `{${position.firstId.toUpperCase()}}`;
  const partition =
    position.lastPartition === null ? '' : `<partitionid last="${escapeXml(position.lastPartition)}" />`;
  const inner = `<cookie page="${position.pageNumber - 1}"><${primaryId} last="${last}" first="${first}" />${partition}</cookie>`;
  return encodeOuter(position.pageNumber, inner, false);
}

/** Reads the decoded text of a `$skiptoken`; undefined if the emulator did not write it. */
export function parseCookie(text: string): TrackingPosition | KeyPosition | undefined {
  const outer = OUTER.exec(text);
  if (outer === null) return undefined;
  const pageNumber = Number(outer[1]);
  let inner: string;
  try {
    inner = decodeURIComponent(outer[2] ?? '');
  } catch {
    return undefined;
  }
  if (outer[3] !== 'True') {
    const keys = /last="\{([0-9A-F-]{36})\}" first="\{([0-9A-F-]{36})\}"/.exec(inner);
    if (keys === null) return undefined;
    const partition = /<partitionid last="([^"]*)" \/>/.exec(inner)?.[1];
    return {
      pageNumber,
      lastId: (keys[1] ?? '').toLowerCase(),
      firstId: (keys[2] ?? '').toLowerCase(),
      lastPartition: partition === undefined ? null : unescapeXml(partition),
    };
  }
  const max = /maxTimestamp="(\d+)"/.exec(inner)?.[1];
  const from = /minTimestamp="(\d+)"/.exec(inner)?.[1];
  const last = /<(deleted)?versionnumber last="(\d+)"/.exec(inner);
  if (max === undefined || last === null) return undefined;
  return {
    pageNumber,
    from: from === undefined ? null : BigInt(from),
    max: BigInt(max),
    phase: last[1] === undefined ? 'rows' : 'tombstones',
    after: BigInt(last[2] ?? '0'),
  };
}

/** The inner cookie is encoded first, in lower case, and then a second time together with the outer cookie. */
function encodeOuter(pageNumber: number, inner: string, tracking: boolean): string {
  const nested = encodeURIComponent(inner).replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
  const text = `<cookie pagenumber="${pageNumber}" pagingcookie="${nested}" istracking="${tracking ? 'True' : 'False'}" />`;
  return text
    .replaceAll('%', '%25')
    .replaceAll('"', '%22')
    .replaceAll('<', '%3C')
    .replaceAll('>', '%3E')
    .replaceAll(' ', '%20');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

function unescapeXml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
