module emulab.test/inspection

go 1.22
