import { request } from 'node:http';
import { connect } from 'node:net';
import type { Reach } from '../reach.ts';

const maxHeaderBytes = 16_384;

/** One connection per question, closed at the first sign of an answer. */
export function realReach(): Reach {
  return { tcp, http };
}

const tcp: Reach['tcp'] = ({ host, port }, timeoutMs) =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (because: string | null): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(because);
    };
    const deadline = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs);
    socket.once('connect', () => end(null));
    socket.on('error', (error) => end(error.message));
  });

const http: Reach['http'] = ({ host, port, path }, timeoutMs) =>
  new Promise((resolve) => {
    // No agent: a kept connection would answer for a guest that takes no new one. No redirect is
    // followed, so a guest leads the node nowhere.
    const options = {
      host,
      port,
      path,
      method: 'GET',
      agent: false,
      maxHeaderSize: maxHeaderBytes,
    };
    const asked = request(options, ({ statusCode = 0 }) => {
      end(statusCode >= 200 && statusCode < 400 ? null : `status ${statusCode}`);
    });
    const end = (because: string | null): void => {
      clearTimeout(deadline);
      asked.destroy();
      resolve(because);
    };
    const deadline = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs);
    asked.on('error', (error) => end(error.message));
    asked.end();
  });
