/* emulab's: code that adds to one of a vCPU's counters. */
static void gen_count(size_t offset, uint64_t amount)
{
    TCGv_ptr counters = tcg_temp_ebb_new_ptr();
    TCGv_i64 value = tcg_temp_ebb_new_i64();

    tcg_gen_ld_ptr(counters, tcg_env, offsetof(CPUState, neg.plugin_counters) - offsetof(ArchCPU, env));
    tcg_gen_ld_i64(value, counters, offset);
    tcg_gen_addi_i64(value, value, amount);
    tcg_gen_st_i64(value, counters, offset);
    tcg_temp_free_i64(value);
    tcg_temp_free_ptr(counters);
}
