module shambhala/rehearsal/toolchain/stand_in

go 1.26.0
