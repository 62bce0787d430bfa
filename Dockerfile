# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The build runs by itself below, once the sources are here.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
# The option is the one that the command's first line gives.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=2 \
    MIRRORVERSE_HEALTH_PORT=8080 \
    MIRRORVERSE_HEALTH_HOST=0.0.0.0 \
    MIRRORVERSE_NUDGE_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY migrations ./migrations
USER node
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MIRRORVERSE_HEALTH_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# node itself is the process that gets SIGTERM: no shell and no npm in between.
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["run"]
