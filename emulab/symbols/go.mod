module org.emulab/symbols

go 1.22
