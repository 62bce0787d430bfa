/** The folder or the bucket that bodies of files go to. */
export type FilePlace = FolderPlace | BucketPlace;

export interface FolderPlace {
  readonly kind: 'folder';
  /** Absolute. */
  readonly path: string;
}

export interface BucketPlace {
  readonly kind: 'bucket';
  readonly bucket: string;
  /** Before the names of the bodies, without slashes at its ends; empty for none. */
  readonly prefix: string;
  readonly region: string;
  /** The address of a server other than that of AWS. */
  readonly endpoint?: string;
  readonly credentials: BucketCredentials;
}

export interface BucketCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

/** What happens to the body of a file that no row names any more. */
export type FileDeletes = 'delete' | 'keep';

/** How bodies are fetched and kept, for all tables. */
export interface FileWishes {
  readonly to: FilePlace;
  /** Share of the API's limits, from 0 to 1. */
  readonly share: number;
  readonly deletes: FileDeletes;
}

/** The name of a body below its folder or bucket. @param sha256 in hexadecimal. */
export function bodyName(sha256: string): string {
  return `${sha256.slice(0, 2)}/${sha256.slice(2)}`;
}

/** Where a body lies: an absolute path, or an address that begins with `s3:`. */
export function bodyLocation(place: FilePlace, sha256: string): string {
  return `${placeName(place)}/${bodyName(sha256)}`;
}

/** The place in words, without any secret. */
export function placeName(place: FilePlace): string {
  if (place.kind === 'folder') return place.path;
  return `s3://${[place.bucket, place.prefix].filter((part) => part !== '').join('/')}`;
}
