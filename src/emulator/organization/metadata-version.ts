import { annotationFilter, GLOBAL_METADATA_VERSION } from '../rows/annotation-filter.ts';
import { preferenceApplied } from '../web-api/prefer-header.ts';
import type { Reply, ApiCall, WebApi } from '../web-api/web-api.ts';

const CONTEXT = /^\{"@odata\.context":"(?:[^"\\]|\\.)*"/;

/** The member with the version of the model, after a comma; empty if the request did not ask for it. */
export function metadataVersionMember(api: WebApi, call: ApiCall): string {
  const wanted = annotationFilter(call.request.preferences.annotations).globalMetadataVersion;
  return wanted ? `,"@${GLOBAL_METADATA_VERSION}":"${api.store.metadataVersion}"` : '';
}

/** An answer about the model, with the version after the context, as in pages of rows. */
export function withMetadataVersion(api: WebApi, call: ApiCall, reply: Reply): Reply {
  const applied = preferenceApplied(call.request.preferences, false);
  if (applied === undefined) return reply;
  const member = metadataVersionMember(api, call);
  const body = reply.body.toString().replace(CONTEXT, (context) => context + member);
  return { ...reply, headers: { ...reply.headers, 'Preference-Applied': applied }, body };
}
