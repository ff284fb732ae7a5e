import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openApp } from './support/app.ts'
import { Attacked } from './support/attacked.ts'
import { clientFrame, OPCODE } from './support/raw-frames.ts'
import { RawConnection } from './support/raw-http.ts'
import { outcomeOf, RawSocket, upgradeRequest } from './support/raw-socket.ts'
import { JWT_SECRET, openSocket } from './support/socket.ts'

let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-door-trouble')
})

afterEach(() => attacked?.isWell())

afterAll(() => attacked?.close())

describe('a client that sends slowly', () => {
  it('is cut by the time limit for headers, with a hundred of its kind, while others are served', async () => {
    const request = upgradeRequest(`/?token=${attacked.token('slow')}`)
    const silent = await Promise.all(Array.from({ length: 50 }, () => RawConnection.open(attacked.app.port)))
    const trickling = await Promise.all(
      Array.from({ length: 50 }, () => RawConnection.open(attacked.app.port)),
    )
    for (const one of silent) one.send(request.slice(0, 60))
    let sent = 0
    const trickle = setInterval(() => {
      sent += 1
      for (const one of trickling) if (sent < request.length) one.send(request.charAt(sent - 1))
    }, 200)
    const served = await openSocket(attacked.app.url, 'meanwhile')
    await served.close()
    await Promise.all([...silent, ...trickling].map(({ closed }) => closed))
    clearInterval(trickle)
    expect(sent).toBeLessThan(request.length)
  })

  it('and ends in the middle of its headers', async () => {
    const connections = await Promise.all(
      Array.from({ length: 100 }, () => RawConnection.open(attacked.app.port)),
    )
    for (const [n, one] of connections.entries()) {
      one.send('GET /?token=x HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: webs')
      if (n % 2 === 0) one.socket.end()
      else one.socket.resetAndDestroy()
    }
    await Promise.all(connections.map(({ closed }) => closed))
  })
})

describe('frames that come with the handshake, in one packet', () => {
  const ping = clientFrame({ opcode: OPCODE.ping, payload: 'early' })
  const binary = clientFrame({ opcode: OPCODE.binary, payload: 'early' })
  const begin = (together: Buffer) =>
    RawSocket.begin(attacked.app.port, `/?token=${attacked.token('early')}`, [], together)

  it('are answered, a ping at once', async () => {
    const raw = await begin(ping)
    await raw.pong('early')
    await raw.event('ready')
    raw.end()
  })

  it('are answered after ready', async () => {
    const raw = await begin(Buffer.concat([binary, binary]))
    await raw.text(({ re }) => re === null)
    const texts = raw.frames.map(({ payload }) => JSON.parse(String(payload)))
    expect(texts[0].event).toBe('ready')
    raw.end()
  })

  it('are judged like others', async () => {
    const raw = await begin(clientFrame({ masked: false }))
    expect(await raw.closeCode()).toBe(1002)
    raw.end()
  })
})

describe('a client that goes away', () => {
  it.each([
    ['with a reset', true],
    ['with an end', false],
  ])('%s, right after its handshake', async (_, resets) => {
    const target = () => `/?token=${attacked.token('gone')}`
    const raws = await Promise.all(
      Array.from({ length: 50 }, () => RawSocket.begin(attacked.app.port, target())),
    )
    for (const { socket } of raws) {
      if (resets) socket.resetAndDestroy()
      else socket.end()
    }
    await Promise.all(raws.map(({ closed }) => closed))
  })
})

describe('a process that leaves', () => {
  it('refuses handshakes that were on their way, and says when to come back', async () => {
    const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [] }
    const leaving = await openApp(attacked.database, { realtime })
    const late = await RawConnection.open(leaving.port)
    const request = upgradeRequest(`/?token=${attacked.token('late')}`)
    late.send(request.slice(0, 60))
    // Somebody who reads nothing, so that the process does not leave before it is asked.
    const holding = await RawSocket.open(leaving.port, `/?token=${attacked.token('holding')}`)
    holding.socket.pause()
    const stopped = leaving.stop()
    late.send(request.slice(60))
    const answer = await late.answer()
    expect(outcomeOf(answer)).toBe('503 overloaded')
    expect(answer.headers['retry-after']).toBe('5')
    holding.end()
    await stopped
  })
})
