module org.emulab/probes

go 1.22
