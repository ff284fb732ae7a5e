import { describe, expect, it } from 'vitest'
import { problem } from '../base/problem.ts'
import { AnswerTooLarge, answerOf, isSettled, jsonReply, MAX_ANSWER_BYTES, replyOf } from './answer.ts'

describe('isSettled', () => {
  it.each([200, 201, 202, 204, 303, 402, 409, 410])('%i stands for the key', (status) => {
    expect(isSettled(status)).toBe(true)
  })

  it.each([400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504])('%i leaves it free', (status) => {
    expect(isSettled(status)).toBe(false)
  })
})

describe('answerOf', () => {
  it('keeps what describes the body, in lower case, and nothing that belongs to one request', () => {
    const { headers } = answerOf({
      status: 201,
      headers: {
        Location: '/trips/1',
        'Content-Type': 'application/json',
        'Set-Cookie': 'session=1',
        'X-Request-Id': 'r',
        'Retry-After': '1',
        Date: 'today',
      },
      body: Buffer.from('{}'),
    })
    expect(headers).toEqual({ location: '/trips/1', 'content-type': 'application/json' })
  })

  it('takes 64 KiB and not a byte more', () => {
    const body = Buffer.alloc(MAX_ANSWER_BYTES)
    expect(answerOf({ status: 200, body }).body).toHaveLength(65_536)
    expect(() => answerOf({ status: 200, body: Buffer.alloc(65_537) })).toThrow(AnswerTooLarge)
    const headers = { location: 'x'.repeat(4_096) }
    expect(() => answerOf({ status: 200, headers, body: Buffer.alloc(0) })).toThrow(AnswerTooLarge)
  })
})

it('a reply says what a response or a value says', async () => {
  const refusal = problem({ status: 409, code: 'taken', detail: 'Taken.', requestId: 'r-1' })
  const reply = await replyOf(refusal)
  expect(reply.status).toBe(409)
  expect(answerOf(reply).headers['content-type']).toBe('application/problem+json')
  expect(JSON.parse(reply.body.toString())).toMatchObject({ code: 'taken', requestId: 'r-1' })
  expect(jsonReply(201, { id: 1 }, { location: '/1' })).toEqual({
    status: 201,
    headers: { location: '/1', 'content-type': 'application/json' },
    body: Buffer.from('{"id":1}'),
  })
})
