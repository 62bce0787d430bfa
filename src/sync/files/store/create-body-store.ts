import type { ProxySettings } from '../../../dataverse/network/proxy-settings.ts';
import type { FilePlace } from '../../../model/files/file-place.ts';
import type { BodyStore } from './body-store.ts';
import { createBucketStore } from './bucket-store.ts';
import { createFolderStore } from './folder-store.ts';

/** @param proxy for a bucket. */
export function createBodyStore(place: FilePlace, proxy: ProxySettings | undefined): BodyStore {
  return place.kind === 'folder' ? createFolderStore(place) : createBucketStore(place, proxy);
}
