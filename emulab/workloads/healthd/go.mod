module org.emulab/healthd

go 1.22
