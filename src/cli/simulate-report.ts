import type { CampaignReport, FailedSeed } from '../testing/simulation/campaign.js';
import { counted } from './text.js';

/** Operations from which on nothing may be missing that a campaign must reach. */
const OPERATIONS_ENOUGH = 250_000;
const NOT_JUDGED = `that takes ${OPERATIONS_ENOUGH} operations, and every fault class`;
/** Lines of a trace that are shown. */
const LINES_SHOWN = 30;

/** Whether a campaign was long enough to have reached everything. */
export function isEnough({ operations }: CampaignReport): boolean {
  return operations >= OPERATIONS_ENOUGH;
}

/** What is wrong with a campaign besides seeds that failed; `isWhole`: it must have reached all. */
export function findingsOf(report: CampaignReport, isWhole: boolean): string[] {
  const { missing, disproved } = report.transitions;
  const wrong = disproved.map((name) => `taken, though there is a reason why not: ${name}`);
  if (!isWhole) return wrong;
  return [
    ...wrong,
    ...report.faultsMissing.map((name) => `the fault ${name} never struck`),
    ...report.trafficMissing.map((name) => `too little was ${name}`),
    ...missing.map((name) => `never taken: ${name}`),
  ];
}

/** What a campaign has come to; `isWhole`: with all that was never reached. */
export function reportText(report: CampaignReport, isWhole: boolean): string {
  const { seeds, operations, virtualHours, failed, faults, traffic, transitions } = report;
  const { total, missing, seldom } = transitions;
  const taken = total - missing.length - seldom.length;
  return [
    ...failed.flatMap(failureLines),
    `faults: ${countsText(faults)}`,
    `traffic: ${countsText(traffic)}`,
    `transitions taken: ${taken} of ${total}`,
    ...(isWhole ? [] : [`what was never reached is not judged: ${NOT_JUDGED}`]),
    ...(isWhole ? [...missing, ...seldom] : []).map((name) => `never taken: ${name}`),
    `${counted(seeds, 'seed')}, ${counted(operations, 'operation')}, ` +
      `${virtualHours.toFixed(2)} virtual hours, ` +
      `${report.seedsPerCpuMinute} seeds a minute of a processor, ${failed.length} failed`,
  ].join('\n');
}

function countsText(counts: Record<string, number>): string {
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

function failureLines({ seed, message, operations, without, lines, replay }: FailedSeed): string[] {
  const left = without.length === 0 ? '' : `, without ${without.join(', ')}`;
  return [
    `seed ${seed}: ${message}`,
    `  with ${counted(operations, 'operation')}${left}; the last of what happened:`,
    ...lines.slice(-LINES_SHOWN).map((line) => `  ${line}`),
    `  again: ${replay}`,
  ];
}
