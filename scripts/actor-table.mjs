// The actors with their states, as a Markdown table.
import { chartOf } from '#sluice/charts/chart.js';
import { sluiceMachines } from '#sluice/testing/sluice-machines.js';

const nested = ({ name, states }) =>
  states.length === 0 ? name : `${name} (${states.map(nested).join(', ')})`;

/** One row for each actor, linked to its page. */
export function actorTable() {
  const rows = Object.values(sluiceMachines).map(({ machine }) => {
    const { id, description, states } = chartOf(machine);
    return [`[${id}](machines/${id}.md)`, description, states.map(nested).join(', ')];
  });
  const lines = [['Actor', 'What it does', 'States'], ['---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
