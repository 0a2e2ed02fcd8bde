#!/usr/bin/env node
// Holds and pets the watchdog of this machine. Its own program, so that nothing of the agent's is in it.
import { existsSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const source = new URL('agent/watchdog/process/command.ts', root);
const compiled = new URL('dist/agent/watchdog/process/command.js', root);
const { main } = await import((existsSync(source) ? source : compiled).href);
await main(process.argv.slice(2));
