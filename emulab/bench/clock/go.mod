module org.emulab/clock

go 1.22
