interface Page {
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
  readonly document?: Omit<Page, 'document'> & { readonly visibilityState?: string }
}

/**
 * Calls `wake` when a page becomes visible or its network comes back: timers of hidden pages are slow, and sockets die while devices
 * sleep. Does nothing where there is no page. Returns what takes it back.
 */
export function listenForHints(wake: () => void, page: object = globalThis): () => void {
  const window = page as Page
  const { document } = window
  const onVisible = () => {
    if (document?.visibilityState === 'visible') wake()
  }
  window.addEventListener?.('online', wake)
  document?.addEventListener?.('visibilitychange', onVisible)
  return () => {
    window.removeEventListener?.('online', wake)
    document?.removeEventListener?.('visibilitychange', onVisible)
  }
}
