import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import { certificateOf } from './certificates.ts'

/** What a faked host answers to a GET of this path: a text, or a status alone. */
export type HostAnswer = (path: string) => string | number

interface Faked {
  readonly host: string
  /** The paths that were asked for. */
  readonly asked: string[]
  close(): Promise<void>
}

const DAY_MS = 86_400_000

/**
 * A host of the net on loopback: whoever connects to it by TLS comes here instead, and nothing else is faked. It has a certificate in
 * its name, which this process trusts while it is open; names, chains and redirects are judged as always.
 */
export async function fakeHost(host: string, answer: HostAnswer, itsName = host): Promise<Faked> {
  const certificate = certificateOf(Date.now() - DAY_MS, Date.now() + DAY_MS, { commonName: itsName })
  const key = certificate.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const asked: string[] = []
  const server = createServer({ key, cert: certificate.pem }, (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const said = answer(request.url ?? '')
    response.writeHead(typeof said === 'number' ? said : 200).end(typeof said === 'number' ? '' : said)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const trusted = tls.getCACertificates('default')
  tls.setDefaultCACertificates([...trusted, certificate.pem])
  const redirected = redirect(host, server)
  return {
    host,
    asked,
    close: async () => {
      redirected()
      tls.setDefaultCACertificates(trusted)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** fetch asks the module for `connect` at each connection. Returns what undoes it. */
function redirect(host: string, server: Server): () => void {
  const { connect } = tls
  const { port } = server.address() as AddressInfo
  const toLoopback = (options: tls.ConnectionOptions, ...rest: never[]): tls.TLSSocket =>
    options.host === host
      ? connect({ ...options, host: '127.0.0.1', port }, ...rest)
      : connect(options, ...rest)
  Object.assign(tls, { connect: toLoopback })
  return () => void Object.assign(tls, { connect })
}
