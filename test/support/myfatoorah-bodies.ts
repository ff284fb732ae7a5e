import { expect } from 'vitest'
import type { GatewayAccount } from '../../src/webhooks/gateways/adapter.ts'
import type { JsonObject } from '../../src/webhooks/gateways/kit/body.ts'
import { myfatoorah } from '../../src/webhooks/gateways/myfatoorah.ts'
import { signMyfatoorah } from '../../src/webhooks/gateways/myfatoorah-text.ts'

export const SECRET =
  '7wNeL4LfSs/EHVOf0Xzeq1ja+HbPr//2XC2fZO24wA6479AT8o84BmELU2FiRwIpd+rM9W5/egjFuihNSXsHKw=='

export const paid: JsonObject = {
  InvoiceId: 1001,
  InvoiceReference: '2026000001',
  CreatedDate: '01012026101010',
  CustomerReference: 'trip-1',
  CustomerName: 'عميل تجريبي',
  CustomerMobile: '+96500000000',
  CustomerEmail: null,
  TransactionStatus: 'SUCCESS',
  PaymentMethod: 'KNET',
  UserDefinedField: null,
  ReferenceId: '1',
  TrackId: 't',
  PaymentId: '100202600000000001',
  AuthorizationId: 'A1',
  InvoiceValueInBaseCurrency: '2.500',
  BaseCurrency: 'KWD',
  InvoiceValueInDisplayCurreny: '2.500',
  DisplayCurrency: 'KWD',
  InvoiceValueInPayCurrency: '8.130',
  PayCurrency: 'USD',
}
export const refunded: JsonObject = {
  RefundId: 2840,
  RefundReference: '2021000019',
  CreatedDate: '04032021210447',
  RefundStatus: 'REFUNDED',
  Amount: '40',
  Comments: 'Test',
  InvoiceId: '585757',
  GatewayReference: { PaymentId: '100202109798688317', RefundAmount: '40', Currency: 'KWD' },
}
export const v2 = {
  Event: {
    Code: 1,
    Name: 'PAYMENT_STATUS_CHANGED',
    Reference: 'WHK-1',
    CreationDate: '2026-01-01T10:00:00Z',
  },
  Data: {
    Invoice: { Id: '1001', Status: 'PAID', ExternalIdentifier: 'trip-1' },
    Transaction: { Status: 'SUCCESS', PaymentId: '100202600000000001' },
    Amount: { DisplayCurrency: 'KWD', ValueInDisplayCurrency: '2.500' },
  },
}
export const v2Refund = {
  Event: { Code: 2, Name: 'REFUND_STATUS_CHANGED', Reference: 'WHK-2' },
  Data: {
    Refund: { Id: 'R1', Status: 'REFUNDED' },
    Amount: { BaseCurrency: 'KWD', ValueInBaseCurrency: '40.000' },
    ReferencedInvoice: { Id: '1001' },
  },
}

export const v1 = (Data: JsonObject, EventType = 1): JsonObject => ({
  EventType,
  Event: 'TransactionsStatusChanged',
  Data,
})

export function receive(
  body: JsonObject | string,
  signature: string,
  settings: GatewayAccount['settings'] = {},
) {
  const account = { gateway: 'myfatoorah', account: 'default', secrets: [SECRET], settings }
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const headers = { 'myfatoorah-signature': signature }
  return myfatoorah.receive({ body: bytes, headers, query: new URLSearchParams() }, account, 0)
}

export function eventOf(body: JsonObject, settings: GatewayAccount['settings'] = {}, signature?: string) {
  const received = receive(body, signature ?? signMyfatoorah(body, SECRET), settings)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}
