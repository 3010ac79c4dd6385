/*
 * A lock that is waited for in a loop, for the few things that all CPUs share.
 *
 * Zero-initialised is free. A CPU that holds one must not wait for another CPU's work, and
 * interrupt handlers take none.
 */
#pragma once

#include <stdatomic.h>

#include "lib/x86.h"

struct spinlock {
    _Atomic(bool) held;
};

/* Takes it if it is free. */
static inline bool spinlock_try(struct spinlock *lock)
{
    return !atomic_exchange_explicit(&lock->held, true, memory_order_acquire);
}

/* Waiting only reads, so that the cache line stays shared until the lock is free. */
static inline void spinlock_acquire(struct spinlock *lock)
{
    while (!spinlock_try(lock)) {
        while (atomic_load_explicit(&lock->held, memory_order_relaxed))
            cpu_relax();
    }
}

static inline void spinlock_release(struct spinlock *lock)
{
    atomic_store_explicit(&lock->held, false, memory_order_release);
}
