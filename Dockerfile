# Ringway as an image: Node and the program, no shell, no package manager, no root.
#   docker build -t ringway:0.1.0 .
# What runs it may mount the root file system read-only; only `sidecar egress --state-dir` wants a directory to write to.
FROM node:24-bookworm-slim AS build
WORKDIR /ringway
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json buf.yaml LICENSE ./
COPY tools tools
COPY proto proto
COPY src src
# Installs the packages as locked, generates code, bundles.
RUN npm run build

FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=build /ringway/LICENSE /ringway/
COPY --from=build /ringway/dist/bin/ /ringway/
# By number, so that Kubernetes can see that it is not root. The packet filter beside a querier lets this user through.
USER 65532:65532
# The ring's port, probes of a sidecar, probes of control, xDS.
EXPOSE 9096 9097 9903 18000
ENTRYPOINT ["/nodejs/bin/node", "/ringway/ringway.js"]
CMD ["--help"]
