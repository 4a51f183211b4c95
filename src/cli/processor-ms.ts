import { cpuUsage } from 'node:process';

/** Milliseconds that processors have worked for this process. */
export function processorMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}
