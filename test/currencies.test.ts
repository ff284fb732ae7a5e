import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CURRENCIES,
  currencyExponent,
  decimalToMinor,
  MAX_AMOUNT_MINOR,
  minorToDecimal,
} from '../src/base/money.ts'
import { ADYEN_EXPONENTS } from '../src/webhooks/gateways/adyen-facts.ts'
import { CHECKOUTCOM_EXPONENTS } from '../src/webhooks/gateways/checkoutcom.ts'
import {
  type Exponents,
  gatewayUnits,
  majorUnits,
  minorUnits,
  minorUnitsOfText,
} from '../src/webhooks/gateways/kit/amount.ts'
import { PAYPAL_EXPONENTS } from '../src/webhooks/gateways/paypal-facts.ts'
import { PAYSTACK_EXPONENTS } from '../src/webhooks/gateways/paystack.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { STRIPE_EXPONENTS } from '../src/webhooks/gateways/stripe-facts.ts'
import { Target } from './support/attacks.ts'
import { runs } from './support/gateway-deliveries.ts'

/** Every gateway that counts a currency otherwise than ISO 4217, and one that does not. */
const RULES: Readonly<Record<string, Exponents>> = {
  'ISO 4217': new Map(),
  adyen: ADYEN_EXPONENTS,
  checkoutcom: CHECKOUTCOM_EXPONENTS,
  paypal: PAYPAL_EXPONENTS,
  paystack: PAYSTACK_EXPONENTS,
  stripe: STRIPE_EXPONENTS,
}

const anyAmount = fc.bigInt({ min: -MAX_AMOUNT_MINOR, max: MAX_AMOUNT_MINOR })
const RUNS = 40

/** The units of the gateway, or null where it has none so small. */
function unitsOrNull(amount: bigint, currency: string, rule: Exponents): number | null {
  try {
    return gatewayUnits(amount, currency, rule)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

it('knows the currencies of ISO 4217, and the exponents that differ', () => {
  expect(CURRENCIES.length).toBeGreaterThan(150)
  for (const rule of Object.values(RULES))
    for (const [currency, exponent] of rule) {
      expect(CURRENCIES).toContain(currency)
      expect([currency, exponent]).not.toEqual([currency, currencyExponent(currency)])
    }
})

describe.each(Object.entries(RULES))('the rule of %s', (_, rule) => {
  it.each(CURRENCIES)('%s: minor units, the gateway’s units and back', (currency) => {
    fc.assert(
      fc.property(anyAmount, (amount) => {
        const units = unitsOrNull(amount, currency, rule)
        if (units === null || !Number.isSafeInteger(units)) return
        expect(minorUnits(units, currency, rule)).toBe(amount)
        if (Math.abs(units) < 10 ** 15) expect(minorUnitsOfText(String(units), currency, rule)).toBe(amount)
      }),
      runs(RUNS),
    )
  })

  it.each([...rule.keys()])('%s: a fraction of our unit, or of theirs, is no amount', (currency) => {
    const difference = (rule.get(currency) ?? 0) - (currencyExponent(currency) ?? 0)
    if (difference > 0) expect(minorUnits(10 ** difference + 1, currency, rule)).toBeNull()
    else expect(unitsOrNull(1n, currency, rule)).toBeNull()
  })
})

describe('decimals', () => {
  it.each(CURRENCIES)('%s: minor units, the decimal and back, as text and as a JSON number', (currency) => {
    fc.assert(
      fc.property(anyAmount, (amount) => {
        const text = minorToDecimal(amount, currency)
        expect(decimalToMinor(text, currency)).toBe(amount)
        expect(majorUnits(text, currency)).toBe(amount)
        // A JSON number that a double may have bent is none; one that it holds is exact.
        expect([amount, null]).toContain(majorUnits(JSON.parse(text), currency))
        if (amount > -(10n ** 14n) && amount < 10n ** 14n)
          expect(majorUnits(JSON.parse(text), currency)).toBe(amount)
      }),
      runs(RUNS),
    )
  })

  it.each(CURRENCIES)('%s: a digit more than it has is refused, unless it is a zero', (currency) => {
    const exponent = currencyExponent(currency) ?? 0
    const zeros = '0'.repeat(exponent)
    expect(decimalToMinor(`7.${zeros}1`, currency)).toBeNull()
    expect(decimalToMinor(`7.${zeros}0`, currency)).toBe(7n * 10n ** BigInt(exponent))
  })
})

/** Divisible by all exponents, one unit, and what floats bend: 0.1 + 0.2, 1.005, 8.2 × 100. */
const AMOUNTS = [1n, 30n, 820n, 1_005n, 12_300n, 1_999_999n, 100_000_000n]

describe.each([...adapters.keys()])('%s, from the delivery to the fact', (gateway) => {
  it('reads every currency that it sends as the amount that was meant, or not at all', () => {
    for (const currency of CURRENCIES)
      for (const amountMinor of AMOUNTS) {
        const target = new Target(gateway, { currency, amountMinor })
        const delivery = deliveryOrNull(target)
        const [fact] = delivery === null ? [] : target.events(delivery).map((event) => event.fact)
        if (fact?.amountMinor == null || fact.currency !== currency) continue
        expect([currency, fact.amountMinor]).toEqual([currency, amountMinor])
      }
  })

  it('reads its own currency', () => {
    const target = new Target(gateway, { amountMinor: 12_300n })
    const [event] = target.events(target.genuine())
    if (event?.isHint === true) return
    expect(event?.fact).toMatchObject({ amountMinor: 12_300n, currency: target.spec.currency })
  })
})

/** Null where the gateway has no unit so small. */
function deliveryOrNull(target: Target) {
  try {
    return target.genuine()
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
