/**
 * Runs a bench from the command line: a line that cannot be read ends with its usage and 64, a bench
 * that failed with 1.
 */
export async function runMain<Options>(
  { usage, parse }: { readonly usage: string; readonly parse: (argv: string[]) => Options },
  main: (options: Options) => Promise<void>,
): Promise<void> {
  let options: Options;
  try {
    options = parse(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 64;
    return;
  }
  try {
    await main(options);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
