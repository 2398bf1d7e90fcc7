# gateway: the binary and what it links, for a token of one's own. softhsm: the same with a SoftHSM token.
#
# BINARY is where /strongroom comes from: the stage below, which compiles it, or an image that has it already
# (BuildKit does not run the stage then).
ARG BINARY=build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY sql sql
COPY softhsm/softhsm2.conf softhsm/
COPY src src
RUN cargo build --release --locked && install -s target/release/strongroom /strongroom

FROM ${BINARY} AS binary

FROM debian:bookworm-slim AS gateway
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 7700 strongroom \
    && useradd --uid 7700 --gid 7700 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin strongroom
COPY --from=binary /strongroom /usr/local/bin/
# A build for benchmarks keeps no audit log.
RUN case "$(strongroom --version)" in *unaudited*) exit 1 ;; esac
USER strongroom
EXPOSE 7700 7701
ENTRYPOINT ["strongroom"]
CMD ["serve", "--config", "/etc/strongroom/strongroom.toml"]

FROM gateway AS softhsm
USER root
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsofthsm2 opensc openssl \
    && rm -rf /var/lib/apt/lists/*
COPY softhsm /opt/strongroom/softhsm
COPY compose/*.sh /opt/strongroom/
# Volumes begin as these folders are, owners included.
RUN chmod -R a+rX /opt/strongroom && cd /var/lib && install -d -o strongroom -g strongroom -m 700 \
        strongroom strongroom/softhsm strongroom/gateway strongroom/operator \
    && install -d -o strongroom -g strongroom strongroom/postgres \
    && sed 's|@TOKENDIR@|/var/lib/strongroom/softhsm/tokens|' /opt/strongroom/softhsm/softhsm2.conf >/etc/softhsm2.conf
ENV SOFTHSM2_CONF=/etc/softhsm2.conf
USER strongroom
