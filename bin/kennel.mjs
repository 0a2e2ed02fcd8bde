#!/usr/bin/env node
// Kept to what old releases of Node.js understand, so that they can say what is missing.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const oldestNode = [22, 19];
const root = new URL('../', import.meta.url);

if (isNodeNewEnough(process.versions.node)) {
  await runHere();
} else {
  const bundled = fileURLToPath(new URL('node_modules/.bin/node', root));
  if (existsSync(bundled) && realpathSync(bundled) !== realpathSync(process.execPath)) {
    runWith(bundled);
  } else {
    refuse();
  }
}

function isNodeNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

async function runHere() {
  const source = new URL('src/cli/main.ts', root);
  const compiled = new URL('dist/src/cli/main.js', root);
  const entry = existsSync(source) ? source : compiled;
  // `kennel events | head` ends when head does; that is no failure.
  process.stdout.on('error', (error) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  if (process.connected) endWithLauncher();
  keepCompiled();
  const { main } = await import(entry.href);
  const code = await main(process.argv.slice(2));
  process.stdout.write('', () => process.exit(code));
}

/**
 * Halves the time to start, which is time in which a restarted agent is silent. Beside the program,
 * so that nobody can write there who could not write the program; where it is not writable there is
 * just no cache.
 */
function keepCompiled() {
  module.enableCompileCache?.(fileURLToPath(new URL('node_modules/.cache/kennel', root)));
  // By itself it is written at the end, and what is killed has none.
  setTimeout(() => module.flushCompileCache?.(), 5000).unref();
}

// The launcher below may be killed without a chance to pass it on.
function endWithLauncher() {
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

/** Runs this program again with the Node.js of the checkout, as if it were that process. */
function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal));
  }
  // From a terminal, Ctrl-C reaches the child by itself; twice would mean "at once".
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  child.on('error', (error) => {
    process.stderr.write(`kennel: ${node} cannot be run: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.exit(128 + constants.signals[signal]);
  });
}

function refuse() {
  process.stderr.write(
    [
      'error[E_PREREQUISITE]: this Node.js is too old for kennel',
      `  because: it is ${process.versions.node}, needed is ${oldestNode.join('.')} or newer`,
      '  so:      nothing was done',
      '  try:     install Node.js 24, https://nodejs.org/en/download',
      '           or in a checkout: npm install   (brings its own Node.js)',
      '',
    ].join('\n'),
  );
  process.exit(1);
}
