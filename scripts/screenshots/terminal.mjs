// What the command prints, as a terminal shows it.
import { execFileSync } from 'node:child_process';

const COMMANDS = [
  'sluice ingest movies.db movies.jsonl.gz',
  'sluice search movies.db --id 1447 --limit 3 | cut -c 1-84',
  'sluice info movies.db',
];
/** More rows than are needed: none may be scrolled away. */
const [COLUMNS, ROWS] = [88, 80];
const COLORS = [
  '#3b4252',
  '#f07178',
  '#8bd17c',
  '#f2c66d',
  '#7db5f5',
  '#c99bf0',
  '#5fd0d0',
  '#e6eaf0',
];

const ESCAPE = String.fromCharCode(27);
const COLOR_CODE = new RegExp(`${ESCAPE}\\[([\\d;]*)m`, 'g');

/** A picture of the terminal after the commands; needs tmux. */
export async function terminalPicture(browser, directory) {
  const page = await browser.newPage({ viewport: { width: 860, height: 900 } });
  await page.setContent(`<style>
    body { margin: 0; background: #10141a; }
    pre { display: inline-block; margin: 0; padding: 16px 20px; color: #e6eaf0;
      background: #10141a; font: 14px/1.4 "DejaVu Sans Mono", monospace; }
  </style><pre>${toHtml(await screenAfter(directory))}</pre>`);
  return page.locator('pre').screenshot();
}

/** The screen of a terminal, with its colors as escape codes. */
async function screenAfter(directory) {
  const server = ['-L', `sluice-${process.pid}`, '-f', '/dev/null'];
  const tmux = (...words) => execFileSync('tmux', [...server, ...words], { encoding: 'utf8' });
  const size = ['-x', String(COLUMNS), '-y', String(ROWS)];
  const shell = ['env', `PATH=${directory}/bin:${process.env.PATH}`, 'PS1=$ ', 'sh'];
  tmux('new-session', '-d', ...size, '-c', directory, ...shell);
  try {
    const screen = () => tmux('capture-pane', '-p');
    await prompted(screen, 1);
    for (const [at, command] of COMMANDS.entries()) {
      tmux('send-keys', command, 'Enter');
      await prompted(screen, at + 2);
    }
    return tmux('capture-pane', '-p', '-e')
      .replace(/\$\s*$/, '')
      .trimEnd();
  } finally {
    tmux('kill-server');
  }
}

/** Waits until there are so many prompts, the last of them with nothing after it. */
async function prompted(screen, count) {
  for (let tries = 0; tries < 600; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const lines = screen().trimEnd().split('\n');
    if (lines.filter((line) => line.startsWith('$')).length >= count && lines.at(-1) === '$')
      return;
  }
  throw new Error(`the terminal has not come to an end:\n${screen()}`);
}

function toHtml(text) {
  const escaped = text.replace(/[&<>]/g, (char) => `&#${char.codePointAt(0)};`);
  let isOpen = false;
  const html = escaped.replace(COLOR_CODE, (_, codes) => {
    const end = isOpen ? '</span>' : '';
    const style = styleOf(codes.split(';').map(Number));
    isOpen = style !== '';
    return isOpen ? `${end}<span style="${style}">` : end;
  });
  return isOpen ? `${html}</span>` : html;
}

function styleOf(codes) {
  return codes
    .flatMap((code) => {
      if (code === 1) return 'font-weight: bold';
      if (code === 2) return 'opacity: 0.7';
      const isColor = (code >= 30 && code <= 37) || (code >= 90 && code <= 97);
      return isColor ? `color: ${COLORS[code % 10]}` : [];
    })
    .join('; ');
}
