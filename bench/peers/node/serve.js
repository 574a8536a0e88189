// One process, or several where WORKERS says so.

import cluster from "node:cluster";

export function serve(listen) {
  const workers = Number(process.env.WORKERS ?? 1);
  if (workers > 1 && cluster.isPrimary) {
    for (let number = 0; number < workers; number += 1) cluster.fork();
  } else {
    listen(Number(process.env.PORT));
  }
}
