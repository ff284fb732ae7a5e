/** One queue for all gateways: which of them waits and which does not, MySQL decides. */
export const WEBHOOK_QUEUE = 'webhook-events'
