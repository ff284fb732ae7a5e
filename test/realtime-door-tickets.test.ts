import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { Attacked } from './support/attacked.ts'
import { RawConnection } from './support/raw-http.ts'
import { outcomeOf, RawSocket, refusal, upgradeRequest } from './support/raw-socket.ts'
import { JWT_SECRET } from './support/socket.ts'
import { askForTicket } from './support/tokens.ts'

const PAGE = 'https://app.example.org'
const OPTIONS = { realtime: { jwtSecrets: [JWT_SECRET], allowedOrigins: [PAGE] } }
let attacked: Attacked
let other: TestApp

beforeAll(async () => {
  attacked = await Attacked.open('realtime-door-tickets', OPTIONS)
  other = await openApp(attacked.database, OPTIONS)
  // Both have their link to Redis from here on: a ticket that is brought before is neither taken nor refused.
  for (const { url } of [attacked.app, other])
    await askForTicket(url, { authorization: `Bearer ${attacked.token('rider-1')}` })
})

afterEach(() => attacked?.isWell())

afterAll(async () => {
  await other?.stop()
  await attacked?.close()
})

describe('a ticket', () => {
  async function ticket(headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const authorization = `Bearer ${attacked.token('rider-2')}`
    const answer = await askForTicket(attacked.app.url, { authorization, ...headers })
    expect(answer.status).toBe(201)
    const { ticket } = (await answer.json()) as { ticket: string }
    attacked.keepSecret(ticket)
    return ticket
  }

  it('opens one connection, on whichever process', async () => {
    const one = await ticket()
    const raw = await RawSocket.open(other.port, `/?ticket=${one}`)
    expect(outcomeOf(await refusal(attacked.app.port, `/?ticket=${one}`))).toBe('401 ticket_refused')
    expect(outcomeOf(await refusal(other.port, `/?ticket=${one}`))).toBe('401 ticket_refused')
    raw.end()
  })

  it('comes as a protocol too, and is not sent back', async () => {
    const one = await ticket()
    const raw = await RawSocket.open(attacked.app.port, '/', [
      `sec-websocket-protocol: onceline.v1, ticket.${one}`,
    ])
    expect(raw.head).not.toContain(one)
    raw.end()
  })

  it('lets one in of all who bring it at once', async () => {
    const one = await ticket()
    const ports = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? attacked.app.port : other.port))
    const statuses = await Promise.all(
      ports.map(async (port) => {
        const connection = await RawConnection.open(port)
        connection.send(upgradeRequest(`/?ticket=${one}`))
        const { status } = await connection.answer()
        connection.end()
        return status
      }),
    )
    expect(statuses.toSorted()).toEqual([101, ...Array.from({ length: 9 }, () => 401)])
  })

  it('is for the page that asked for it, and taken by whoever else brings it', async () => {
    const one = await ticket({ origin: PAGE })
    expect(outcomeOf(await refusal(attacked.app.port, `/?ticket=${one}`))).toBe('401 ticket_refused')
    expect(outcomeOf(await refusal(attacked.app.port, `/?ticket=${one}`, [`origin: ${PAGE}`]))).toBe(
      '401 ticket_refused',
    )
    const raw = await RawSocket.open(attacked.app.port, `/?ticket=${await ticket({ origin: PAGE })}`, [
      `origin: ${PAGE}`,
    ])
    raw.end()
  })

  it.each(['', 'x', 'a'.repeat(43), 'a'.repeat(44), '../../etc/passwd', '%00'])(
    'that is none: %j',
    async (text) => {
      const answer = await refusal(attacked.app.port, `/?ticket=${text}`)
      expect(outcomeOf(answer)).toBe('401 ticket_refused')
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="onceline"')
    },
  )
})
