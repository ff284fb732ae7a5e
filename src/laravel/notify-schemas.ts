import { z } from 'zod'
import { isUserId } from '../feed/message.ts'
import { eventNameProblem, NOTIFICATION_LIMITS } from './notification.ts'

const { users, dataBytes } = NOTIFICATION_LIMITS

/** `POST /internal/notify` */
export const NOTIFY = z.strictObject({
  userIds: z
    .array(z.string().refine(isUserId, '1 to 36 printable ASCII characters'))
    .min(1)
    .max(users)
    .refine((ids) => new Set(ids).size === ids.length, 'each user once')
    .describe('whom to tell, each once'),
  event: z
    .string()
    .superRefine((name, context) => {
      const problem = eventNameProblem(name)
      if (problem !== null) context.addIssue(problem)
    })
    .describe('the name that clients know: promo:new'),
  data: z
    .record(z.string(), z.unknown())
    .refine(
      (data) => Buffer.byteLength(JSON.stringify(data)) <= dataBytes,
      `at most ${dataBytes} bytes of JSON`,
    )
    .describe('what clients get, as it is'),
  durable: z
    .boolean()
    .default(false)
    .describe(
      "true: kept in each user's feed and numbered there; whoever is away gets it when he comes back",
    ),
})

/** The answer to it. */
export const NOTIFIED = z.object({
  event: z.string(),
  durable: z.boolean(),
  users: z.int().describe('how many users it is for'),
})
