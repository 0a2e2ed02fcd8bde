import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { problem, ok, type Outcome } from '../../core/problem.ts';
import type { KubeAccess } from './https-api.ts';

/**
 * The API server of a kubeconfig file; of the pod that this runs in where none is named. Contexts, client
 * certificates, token files and exec plugins are the affair of Kubernetes' own client, which is loaded
 * here and nowhere else: it is heavy.
 */
export async function loadKubeAccess(file: string | null): Promise<Outcome<KubeAccess>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (file === null) config.loadFromCluster();
    else config.loadFromFile(file);
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error('it names no current cluster');
    const server = new URL(cluster.server);
    if (server.protocol === 'http:') {
      const agent = new HttpAgent({ keepAlive: true });
      return ok({ server, options: () => Promise.resolve({ agent }) });
    }
    const agent = new HttpsAgent({ keepAlive: true });
    return ok({
      server,
      options: async () => {
        const options: RequestOptions = {};
        await config.applyToHTTPSOptions(options);
        // Theirs opens a connection per request; it is only needed to go through a proxy.
        return cluster.proxyUrl === undefined ? { ...options, agent } : options;
      },
    });
  } catch (error) {
    return problem({
      code: 'E_DATA_DIRECTORY',
      what:
        file === null
          ? 'there is no API server of Kubernetes to be found'
          : `the kubeconfig ${file} cannot be used`,
      because: error instanceof Error ? error.message : String(error),
      so: 'the operator was not started',
      try: [
        'kubectl --kubeconfig FILE get --raw /version',
        'kennel operator run --kubeconfig FILE',
      ],
    });
  }
}
