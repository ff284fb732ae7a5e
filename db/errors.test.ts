import { expect, it } from 'vitest'
import { isConnectionLost, isRetryable } from './errors.ts'

it('counts the goodbye to an idle session as a lost connection, and not as the fault of a statement', () => {
  const goodbye = Object.assign(
    new Error('The client was disconnected by the server because of inactivity.'),
    {
      errno: 4031,
      code: 'ER_CLIENT_INTERACTION_TIMEOUT',
    },
  )
  expect(isConnectionLost(goodbye)).toBe(true)
  expect(isRetryable(goodbye)).toBe(false)
})
