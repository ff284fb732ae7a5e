import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import type { Plan } from './matching-plan.ts'
import type { MatchingScene } from './matching-scene.ts'

/** The moments of src/base/checkpoint.ts at which a process is killed. */
const MOMENTS = ['once:claimed', 'once:handled', 'once:commit-sent', 'once:committed'] as const
const MOMENT_MS = 2_000

/** Kills a process as it was planned, if it was. Resolves when there are two again. */
export async function killPlanned(scene: MatchingScene, kill: Plan['kill'], chance: Chance): Promise<void> {
  if (kill === null) return
  const moment = MOMENTS[kill.moment ?? -1]
  const passing = chance.between(1, 4)
  await pause(kill.afterMs)
  await scene.kill(chance.between(0, 1), async (node) => {
    if (moment === undefined) return node.kill()
    // Where nobody comes by any more it dies all the same.
    await node.dieAt(moment, passing, MOMENT_MS).catch(() => node.kill())
  })
}
