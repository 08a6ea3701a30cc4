# Debian's own kernel of one architecture, unpacked without what it depends on: /result.tar as kernel.Dockerfile's.
ARG BASE
FROM $BASE
ARG DEBIAN_ARCH
ARG PACKAGE
ARG FORMAT
ARG OPTIONS
COPY kernel /kernel
WORKDIR /packages
RUN /kernel/stock $DEBIAN_ARCH $PACKAGE
RUN mkdir -p /out/kernel && cp /unpacked/boot/vmlinu* /out/kernel/image && cp /unpacked/boot/config-* /out/kernel/config && \
    printf '{"version": "%s", "package": "%s", "package_version": "%s", "page_size": 4096, "format": "%s", "machine_options": [%s]}\n' \
        "$(basename /unpacked/boot/config-* | sed 's/^config-//')" $(cat /packages.txt) "$FORMAT" "$OPTIONS" >/facts.json && \
    cp /facts.json /out/kernel/ && tar -C /out --owner=0 --group=0 -cf /result.tar kernel
