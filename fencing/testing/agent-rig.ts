import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Env } from '../../src/env/env.ts';
import { uniquePassword } from './bmc-rig.ts';

/** How the test agent ends. Taken up with its next run. */
export type AgentMode =
  | 'ok'
  /** Says that it switched, and switches nothing. */
  | 'stuck'
  /** Switches and goes on saying On. */
  | 'lying on'
  /** Switches nothing and says Off from then on. */
  | 'lying off'
  /** Waits for an off that does not come, as agents do whose device is stuck. */
  | 'no effect'
  /** Answers `off` with `Success: Rebooted`. */
  | 'reboots'
  /** Switches and ends well, but says nothing. */
  | 'silent'
  /** Switches, then fails as if the connection had broken. */
  | 'dies'
  | 'unreachable'
  | 'wrong password'
  | 'busy'
  | 'no session'
  /** Says one thing by text and another by exit code. */
  | 'contradicts'
  /** Switches, then hangs with a child that does not die with it. */
  | 'hangs'
  | `slow ${number}`;

/** `ipmitool`: it would hand its secrets on as arguments. */
export type AgentKind = 'power' | 'storage' | 'ipmitool';

/**
 * A fence agent of the ClusterLabs contract as a shell script in a directory of its own, with every
 * way to fail that agents have. `envOf` is a world in which it is installed.
 */
export class AgentRig {
  readonly directory = mkdtempSync(join(tmpdir(), 'kennel-agent-'));
  readonly name = 'fence_kennel_test';
  readonly password = uniquePassword();

  constructor(kind: AgentKind = 'power') {
    const path = join(this.directory, this.name);
    writeFileSync(path, program(this.directory, this.password, kind));
    chmodSync(path, 0o700);
    this.mode = 'ok';
    this.power = 'on';
    for (const name of ['calls', 'input', 'pids']) writeFileSync(join(this.directory, name), '');
  }

  set mode(mode: AgentMode) {
    writeFileSync(join(this.directory, 'mode'), `${mode}\n`);
  }

  get power(): 'on' | 'off' {
    return readFileSync(join(this.directory, 'power'), 'utf8').trim() === 'on' ? 'on' : 'off';
  }

  set power(power: 'on' | 'off') {
    for (const name of ['power', 'claimed']) {
      writeFileSync(join(this.directory, name), `${power}\n`);
    }
  }

  /** Power commands that the device executed, or claimed to. */
  commands(): readonly ('off' | 'on')[] {
    return this.#lines('calls').flatMap((line) => (line === 'off' || line === 'on' ? [line] : []));
  }

  /** Everything it was ever told on standard input, line by line. */
  input(): readonly string[] {
    return this.#lines('input');
  }

  /** Processes that it started and that should be gone. */
  children(): readonly number[] {
    return this.#lines('pids')
      .filter((line) => line !== '')
      .map(Number);
  }

  envOf(env: Env): Env {
    const run: Env['processes']['run'] = (request) => {
      const path = `${this.directory}:${request.environment['PATH']}`;
      return env.processes.run({ ...request, environment: { ...request.environment, PATH: path } });
    };
    return { ...env, processes: { run } };
  }

  stop(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #lines(name: string): readonly string[] {
    const lines = readFileSync(join(this.directory, name), 'utf8').split('\n');
    return lines.filter((line) => line !== '');
  }
}

function metadata(kind: AgentKind): string {
  const automatic = kind === 'storage' ? '1' : '0';
  const parameter = (name: string, type: string, required = '0', more = ''): string =>
    `<parameter name="${name}" unique="0" required="${required}" ${more}><content type="${type}"/></parameter>`;
  return [
    '<?xml version="1.0" ?><resource-agent name="fence_kennel_test" shortdesc="test agent"><parameters>',
    parameter('action', 'string', '1'),
    parameter('ip', 'string', '1', 'obsoletes="ipaddr"'),
    parameter('ipaddr', 'string', '1', 'deprecated="1"'),
    parameter('username', 'string', '1'),
    parameter('password', 'string'),
    parameter('plug', 'string', '0', 'obsoletes="port"'),
    parameter('port', 'string', '0', 'deprecated="1"'),
    parameter('power_timeout', 'second'),
    ...(kind === 'ipmitool'
      ? [parameter('ipmitool_path', 'string'), parameter('hexadecimal_kg', 'string')]
      : []),
    parameter('ipport', 'integer'),
    parameter('secure', 'boolean'),
    '<parameter name="level" unique="0" required="0"><content type="select"><option value="low"/><option value="high"/></content></parameter>',
    parameter('ssh_path', 'string'),
    '</parameters><actions>',
    `<action name="on" automatic="${automatic}"/><action name="off"/><action name="status"/><action name="monitor"/>`,
    '</actions></resource-agent>',
  ].join('');
}

function program(directory: string, password: string, kind: AgentKind): string {
  return `#!/bin/sh
directory=${directory}
if [ "$1 $2" = '-o metadata' ]; then
  echo '${metadata(kind)}'
  exit 0
fi
action=reboot
given=
while IFS= read -r line; do
  case $line in
    action=*) action=\${line#action=} ;;
    password=*) given=\${line#password=} ;;
  esac
  [ "\${line%%=*}" = password ] || echo "$line" >>"$directory/input"
done
read -r mode <"$directory/mode"
fails() { echo "$1" >&2; exit 1; }
[ "$given" = '${password}' ] || fails 'Failed: invalid password'
case $mode in
  unreachable) fails 'Unable to connect/login to fencing device' ;;
  'wrong password') fails 'Failed: invalid password' ;;
  'no session') fails 'insufficient resources for session' ;;
  slow*) sleep "\${mode#slow }" ;;
esac
if [ "$action" = status ]; then
  [ "$mode" = 'lying off' ] && read -r power <"$directory/claimed" || read -r power <"$directory/power"
  [ "$mode" = 'lying on' ] && power=on
  [ "$mode" = contradicts ] && { echo 'Status: OFF'; exit 0; }
  [ "$power" = on ] && { echo 'Status: ON'; exit 0; }
  echo 'Status: OFF'
  exit 2
fi
[ "$mode" = busy ] && fails 'Failed: the device is busy'
read -r power <"$directory/power"
[ "$power" = "$action" ] && { echo "Success: Already $(echo "$action" | tr a-z A-Z)"; exit 0; }
echo "$action" >>"$directory/calls"
echo "$action" >"$directory/claimed"
case $mode in
  stuck | 'lying off' | 'no effect') ;;
  *) echo "$action" >"$directory/power" ;;
esac
case $mode in
  'no effect') fails 'Failed: Timed out waiting to power OFF' ;;
  reboots) echo 'Success: Rebooted'; exit 0 ;;
  silent) exit 0 ;;
  dies) echo unreachable >"$directory/mode"; fails 'Connection lost' ;;
  hangs) sleep 300 & echo $! >>"$directory/pids"; wait ;;
esac
echo "Success: Powered $(echo "$action" | tr a-z A-Z)"
`;
}
