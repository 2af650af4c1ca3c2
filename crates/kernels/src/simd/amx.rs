//! AMX: registers of 16 rows of 64 bytes, and the unit that multiplies them (Intel since Sapphire
//! Rapids).
//!
//! The compiler does not know these registers, so code that uses them is assembly, and holds
//! [`Tiles`] while it does.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Rows of a tile, and its columns of 32 bits.
pub const SIDE: usize = 16;

/// Whether this machine has AMX for 8-bit integers and lets the process use it.
pub fn has_int8() -> bool {
    const INT8: u32 = 1 << 25;
    features() & INT8 != 0
}

/// Whether this machine has AMX for bf16 and lets the process use it.
#[cfg(feature = "training")]
pub fn has_bf16() -> bool {
    const BF16: u32 = 1 << 22;
    features() & BF16 != 0
}

/// Bits of CPUID's leaf 7 about AMX, none if it cannot be used.
fn features() -> u32 {
    static FEATURES: OnceLock<u32> = OnceLock::new();
    const TILE: u32 = 1 << 24;
    *FEATURES.get_or_init(|| {
        // Leaf 7 exists where AVX-512 does.
        let features = if is_x86_feature_detected!("avx512f") { __cpuid_count(7, 0).edx } else { 0 };
        if features & TILE != 0 && permitted() { features } else { 0 }
    })
}

/// Asks the kernel for the right to use tiles, whose state it does not save otherwise. All threads
/// get it.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and touches no memory of this process.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// How the eight tiles of a thread are shaped.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_of_row: [u16; 16],
    rows: [u8; 16],
}

/// All eight whole.
static WHOLE: Shapes = Shapes {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes_of_row: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// The tiles of this thread, ready for use until it is dropped.
pub struct Tiles {
    /// Tiles belong to a thread.
    of_thread: PhantomData<*const ()>,
}

impl Tiles {
    /// Sets all tiles to their whole size.
    ///
    /// # Safety
    /// The machine has AMX ([`has_int8`]), and no other `Tiles` of this thread is alive.
    pub unsafe fn new() -> Tiles {
        // SAFETY: the machine has the instruction; it reads the 64 bytes of `WHOLE`.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const WHOLE, options(nostack, readonly)) };
        Tiles { of_thread: PhantomData }
    }
}

impl Drop for Tiles {
    /// Gives the tiles up, so that they need not be saved with the thread.
    fn drop(&mut self) {
        // SAFETY: there is a `Tiles` only on a machine with AMX; nothing uses the registers any
        // more.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}
