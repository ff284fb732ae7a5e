import type { Position } from '../src/matching/drivers/nearby.ts'
import type { Random } from './random.ts'

/** Metres east and north of the city's middle. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** Where many want to go to and from: within a `spreadMeters` of its middle most of them. */
export interface HotSpot {
  readonly name: string
  readonly center: Point
  readonly spreadMeters: number
  /** Its part of the demand, beside the others'. */
  readonly weight: number
}

/** A square of so many metres a side. */
export interface City {
  readonly sizeMeters: number
  readonly middle: Position
  readonly hotSpots: readonly HotSpot[]
  /** Which part of the demand comes from anywhere, and from no hot spot. */
  readonly anywhere: number
}

/** 12 × 12 km around Tahrir. The hot spots are where their names are, about. */
export const CAIRO: City = {
  sizeMeters: 12_000,
  middle: { latitude: 30.0444, longitude: 31.2357 },
  hotSpots: [
    { name: 'Downtown', center: { x: 600, y: 300 }, spreadMeters: 900, weight: 5 },
    { name: 'Zamalek', center: { x: -1_300, y: 1_900 }, spreadMeters: 600, weight: 2 },
    { name: 'Ramses', center: { x: 1_100, y: 2_000 }, spreadMeters: 500, weight: 3 },
    { name: 'Dokki', center: { x: -2_300, y: -500 }, spreadMeters: 900, weight: 3 },
    { name: 'Giza', center: { x: -2_400, y: -3_600 }, spreadMeters: 900, weight: 2 },
    { name: 'Abbasia', center: { x: 4_000, y: 3_000 }, spreadMeters: 1_000, weight: 2 },
    { name: 'Maadi', center: { x: 2_200, y: -5_000 }, spreadMeters: 700, weight: 1 },
  ],
  anywhere: 0.3,
}

/** Streets are longer than the straight line between two places. */
export const ROAD_FACTOR = 1.3

/** Of a sphere with the Earth's mean radius, on which distances are computed by everybody else, too. */
const METERS_PER_DEGREE = (6_371_008.8 * Math.PI) / 180

/** Where on Earth it is, to the centimetre. */
export function positionOf({ middle }: City, { x, y }: Point): Position {
  return {
    latitude: rounded(middle.latitude + y / METERS_PER_DEGREE),
    longitude: rounded(middle.longitude + x / metersPerLongitude(middle)),
  }
}

export function pointOf({ middle }: City, { latitude, longitude }: Position): Point {
  return {
    x: (longitude - middle.longitude) * metersPerLongitude(middle),
    y: (latitude - middle.latitude) * METERS_PER_DEGREE,
  }
}

function metersPerLongitude({ latitude }: Position): number {
  return METERS_PER_DEGREE * Math.cos((latitude * Math.PI) / 180)
}

function rounded(degrees: number): number {
  return Math.round(degrees * 1e7) / 1e7
}

export function straightMeters(from: Point, to: Point): number {
  return Math.hypot(to.x - from.x, to.y - from.y)
}

export function roadMeters(from: Point, to: Point): number {
  return straightMeters(from, to) * ROAD_FACTOR
}

/** How long the way takes by road. */
export function travelMs(from: Point, to: Point, speedKmh: number): number {
  return (roadMeters(from, to) / (speedKmh / 3.6)) * 1_000
}

/** A way through the city, with times on the city's clock. */
export interface Journey {
  readonly from: Point
  readonly to: Point
  readonly startMs: number
  readonly endMs: number
}

export function journeyOf(from: Point, to: Point, startMs: number, speedKmh: number): Journey {
  return { from, to, startMs, endMs: startMs + travelMs(from, to, speedKmh) }
}

/** Where he is at that moment who makes this journey. */
export function pointAt({ from, to, startMs, endMs }: Journey, atMs: number): Point {
  if (atMs >= endMs) return to
  const part = Math.max(0, (atMs - startMs) / (endMs - startMs))
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part }
}

/** Degrees from north, clockwise. */
export function headingOf({ from, to }: Journey): number {
  const degrees = (Math.atan2(to.x - from.x, to.y - from.y) * 180) / Math.PI
  return degrees < 0 ? degrees + 360 : degrees
}

/** A place as the demand has it: at a hot spot mostly. */
export function placeIn(city: City, random: Random): Point {
  if (random.chance(city.anywhere)) return anywhereIn(city, random)
  const { center, spreadMeters } = random.weighted(city.hotSpots)
  const distance = random.exponential(spreadMeters)
  const angle = random.between(0, 2 * Math.PI)
  return within(city, { x: center.x + distance * Math.cos(angle), y: center.y + distance * Math.sin(angle) })
}

export function anywhereIn({ sizeMeters }: City, random: Random): Point {
  const half = sizeMeters / 2
  return { x: random.between(-half, half), y: random.between(-half, half) }
}

/** The same place, or the one on the city's edge that is nearest to it. */
export function within({ sizeMeters }: City, { x, y }: Point): Point {
  const half = sizeMeters / 2
  return { x: Math.min(half, Math.max(-half, x)), y: Math.min(half, Math.max(-half, y)) }
}
