import type {
  BudgetView,
  DeviceTestView,
  FenceDeviceView,
  FenceDriverView,
} from '../../api/schema/fencing.ts';
import { formatAge, formatDuration } from '../duration.ts';
import { renderColumns, renderFields } from './columns.ts';
import type { Layout } from './layout.ts';

/** Devices as a table: one line each, in the order in which their levels are tried. */
export function renderDeviceTable(devices: readonly FenceDeviceView[], layout: Layout): string[] {
  return renderColumns(
    ['DEVICE', 'LEVEL', 'DRIVER', 'STATE', 'SETTLE', 'LAST CHECK', 'SWITCHES'],
    devices.map((device) => [
      { text: device.id },
      { text: String(device.level), align: 'right' },
      { text: device.driver },
      device.error === null
        ? { text: 'ready', paint: layout.paint.good }
        : { text: device.error.code, paint: layout.paint.critical },
      { text: formatDuration(device.settleMs), align: 'right' },
      { text: lastCheckText(device) },
      { text: device.outlet },
    ]),
    layout.columns,
  );
}

function lastCheckText({ lastCheck }: FenceDeviceView): string {
  if (lastCheck === null) return '-';
  return `${formatAge(lastCheck.ageMs)} ago, ${lastCheck.latencyMs} ms`;
}

/** One device in full. */
export function renderDevice(device: FenceDeviceView, layout: Layout): string {
  const settings = Object.entries(device.settings).map(([key, value]) => `${key}=${value}`);
  const fields: [string, string][] = [
    ['device', device.id],
    ['level', String(device.level)],
    ['driver', device.driver],
    ['switches', device.outlet],
    ['settings', settings.join(' ')],
    ['identity', device.identity ?? 'none: it does not tell which machine it switches'],
    ['settle time', formatDuration(device.settleMs)],
    ['state', stateText(device)],
    ['last check', lastCheckText(device)],
    ['last drill', drillText(device)],
  ];
  return renderFields(fields, layout.columns).join('\n');
}

function stateText({ error, errorSince }: FenceDeviceView): string {
  if (error === null) return 'ready';
  return `${error.code} since ${errorSince ?? 'it was added'}: ${error.detail}`;
}

function drillText({ drill }: FenceDeviceView): string {
  if (drill === null) return 'never';
  return `${drill.at}: silent ${drill.silenceMs} ms after the first Off at the latest`;
}

/** How long a recovery may take, and what it is made of. */
export function renderBudget(budget: BudgetView): readonly string[] {
  if (budget.worstMs === null || budget.usualMs === null) {
    return ['recovery: never without a person, no level can prove it off'];
  }
  return [
    `recovery: ${formatAge(budget.usualMs)} if level 1 obeys, ${formatAge(budget.worstMs)} at worst`,
    ...(budget.selfFenceMs === null
      ? []
      : [`  ${formatAge(budget.selfFenceMs)} by its watchdog, whatever its devices do`]),
    `  ${formatAge(budget.detectMs)} until it counts as lost`,
    ...budget.levels.map((level) => {
      const delay = level.delayMs === 0 ? '' : ` after ${formatDuration(level.delayMs)}`;
      return `  ${formatDuration(level.budgetMs)} for level ${level.level}${delay} (${level.devices.join(', ')}; settles ${formatDuration(level.settleMs)})`;
    }),
    `  ${formatDuration(budget.startMs)} until its VMs run`,
  ];
}

/** What each driver is given. */
export function renderDrivers(drivers: readonly FenceDriverView[]): string {
  return drivers
    .map((driver) =>
      [
        `${driver.kind}: ${driver.summary}`,
        ...renderColumns(
          ['  SETTING', 'GIVEN', 'MEANING'],
          [
            ...driver.settings.map((setting) => [
              { text: `  ${setting.name}` },
              { text: givenText(setting) },
              { text: setting.summary },
            ]),
            ...driver.secrets.map((name) => [
              { text: `  ${name}` },
              { text: 'always' },
              { text: 'secret: --password-file or --password-stdin' },
            ]),
            ...(driver.takesFurtherSecrets
              ? [
                  [
                    { text: '  …' },
                    { text: 'as needed' },
                    { text: 'secrets: --secret-file NAME=FILE' },
                  ],
                ]
              : []),
          ],
          Infinity,
        ),
      ].join('\n'),
    )
    .join('\n\n');
}

function givenText(setting: FenceDriverView['settings'][number]): string {
  if (setting.fallback !== null) return `or ${setting.fallback}`;
  return setting.isRequired ? 'always' : 'as needed';
}

/** One line for each device that was tested. */
export function renderTests(tests: readonly DeviceTestView[], layout: Layout): string {
  return tests
    .flatMap((test) => {
      const mark = test.ok ? layout.paint.good('ok') : layout.paint.critical('failed');
      const why =
        test.error === null
          ? `reads ${test.power}, answered in ${test.latencyMs} ms`
          : `${test.error.code}: ${test.error.detail}`;
      const warnings = test.warnings.map(({ code, text }) => `  ! ${code}  ${text}`);
      return [`${test.device}: ${mark}, ${why}`, ...warnings];
    })
    .join('\n');
}
