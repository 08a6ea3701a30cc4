# A minimal kernel for QEMU virt: /result.tar holds kernel/image, kernel/config and kernel/facts.json.
ARG CROSS
FROM $CROSS
ARG ARCH
ARG LINUX_ARCH
ARG TRIPLET
ARG PAGES
ARG TARGET
ARG FORMAT
ARG MACHINE
ENV ARCH=$LINUX_ARCH CROSS_COMPILE=$TRIPLET- KBUILD_BUILD_USER=emulab KBUILD_BUILD_HOST=emulab
COPY kernel /kernel-config
RUN mkdir /build && /kernel-config/configure $ARCH $PAGES
RUN nice -n 10 make -C /build -j"$(nproc)" $TARGET
RUN mkdir -p /out/kernel && \
    cp /build/arch/$LINUX_ARCH/boot/$TARGET /out/kernel/image && cp /build/.config /out/kernel/config && \
    printf '{"version": "%s", "package": "linux-source-6.12 %s", "page_size": %d, "format": "%s", "machine": "%s"}\n' \
        "$(cat /build/include/config/kernel.release)" "$(cat /src/version)" $((${PAGES%k} * 1024)) "$FORMAT" "$MACHINE" \
        >/out/kernel/facts.json && \
    tar -C /out --owner=0 --group=0 -cf /result.tar kernel
