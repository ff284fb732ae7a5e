/** The outbox's topic of messages to Laravel. */
export const LARAVEL_TOPIC = 'laravel'

/** The callbacks' own doorbell, so that webhooks never wait behind them. */
export const CALLBACK_QUEUE = 'laravel-callbacks'
