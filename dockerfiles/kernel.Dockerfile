# A minimal kernel for QEMU virt: /result.tar holds kernel/image, kernel/config and kernel/facts.json.
ARG CROSS
FROM $CROSS
ARG ARCH
ARG LINUX_ARCH
ARG TRIPLET
ARG PAGES
ARG TARGET
ARG FORMAT
ARG OPTIONS
ENV ARCH=$LINUX_ARCH CROSS_COMPILE=$TRIPLET- KBUILD_BUILD_USER=emulab KBUILD_BUILD_HOST=emulab
COPY kernel /kernel-config
WORKDIR /build
RUN /kernel-config/configure $ARCH $PAGES
RUN nice -n 10 make -j"$(nproc)" $TARGET
RUN mkdir -p /out/kernel && cp arch/$LINUX_ARCH/boot/$TARGET /out/kernel/image && cp .config /out/kernel/config && \
    printf '{"version": "%s", "package": "linux-source-6.12", "package_version": "%s", "page_size": %d, "format": "%s", "machine_options": [%s]}\n' \
        "$(cat include/config/kernel.release)" "$(cat /src/version)" $((${PAGES%k} * 1024)) "$FORMAT" "$OPTIONS" >/facts.json && \
    cp /facts.json /out/kernel/ && echo "linux-source-6.12 $(cat /src/version)" >/packages.txt && \
    tar -C /out --owner=0 --group=0 -cf /result.tar kernel
