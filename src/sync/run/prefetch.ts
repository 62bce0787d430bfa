import type { PlainPage } from '../../model/page.ts';

/** A page that is fetched before the run asks for it. */
export interface Prefetch {
  /** The link that it is fetched by; null for the first page of a load. */
  readonly url: string | null;
  readonly page: Promise<PlainPage>;
  /** Stops the request; gives the memory of a page back that came all the same. */
  cancel(): void;
}

/** Starts to fetch a page, so that it comes while the page before it is stored. */
export function prefetch(
  url: string | null,
  read: (signal: AbortSignal) => Promise<PlainPage>,
  signal: AbortSignal,
): Prefetch {
  const controller = new AbortController();
  const page = read(AbortSignal.any([signal, controller.signal]));
  // The run awaits the page later, or never when storing fails first. Until then a rejection is handled here.
  page.catch(() => undefined);
  return {
    url,
    page,
    cancel() {
      controller.abort(new Error('The page is no longer needed.'));
      page.then(
        ({ release }) => release?.(),
        () => undefined,
      );
    },
  };
}
