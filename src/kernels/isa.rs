//! The instruction sets for which kernels are compiled, and the choice among them at run time.
//!
//! On 64-bit ARM the baseline includes NEON, so the compiler vectorises the plain kernels with it. The unit
//! tests and the recorded fingerprints have been run there in an emulator (qemu 7.2), with the same bits; its
//! speed is not known. No code uses matrix units (AMX).

use crate::error::{Error, Result};

/// An instruction set of this CPU.
///
/// Only the functions below create a value, after they have checked the CPU. A value is thus the
/// proof that its instructions can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(pub(super) Level);

/// The three levels. A CPU may lack some. Code that differs between levels names each of them in a
/// `match`, so that the compiler finds all places that a new level needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The baseline that every CPU of this architecture has.
    pub const BASELINE: Self = Self(Level::Baseline);

    /// All instruction sets of this CPU, the fastest last.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "other architectures have only the baseline")]
        let mut available = vec![Self::BASELINE];
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            let has_avx512 = has_avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            available.extend(has_avx2.then_some(Self(Level::Avx2)));
            available.extend(has_avx512.then_some(Self(Level::Avx512)));
        }
        available
    }

    /// The fastest instruction set of this CPU.
    pub fn fastest() -> Self {
        *Self::available().last().expect("every CPU has the baseline")
    }

    /// The instruction set that the environment variable `HARMONIUM_ISA` names (`baseline`, `avx2`
    /// or `avx512`), or the fastest if it is not set. A program calls this once and passes the result
    /// down. Nothing else in the library reads the environment.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if the variable names an instruction set that this CPU lacks.
    pub fn from_environment() -> Result<Self> {
        let available = Self::available();
        match std::env::var("HARMONIUM_ISA") {
            Err(_) => Ok(Self::fastest()),
            Ok(wanted) => {
                available.iter().copied().find(|isa| isa.name() == wanted).ok_or_else(|| {
                    let names: Vec<_> = available.iter().map(|isa| isa.name()).collect();
                    let rule = format!("an instruction set of this CPU: {}", names.join(", "));
                    Error::InvalidSetting { setting: "HARMONIUM_ISA", value: wanted, rule }
                })
            }
        }
    }

    /// The name that `HARMONIUM_ISA` takes.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }
}

impl Default for Isa {
    /// The [fastest](Self::fastest).
    fn default() -> Self {
        Self::fastest()
    }
}

/// Compiles one plain body for every instruction set, and calls the version for `isa`.
///
/// `dispatch! { pub fn name(isa, arguments…) = body }` makes a safe function. The compiler vectorises
/// its body, an `#[inline(always)]` function of the same arguments, once for each level. Type parameters
/// stand as `name<; T: Bound>(isa, …)`. A level
/// may have its own body, a function with the features of the level (or fewer):
/// `= body, avx2 = tile_avx2, avx512 = tile_avx2`.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<; $($g:ident: $bound:path),+>)?
     (isa $(, $arg:ident: $ty:ty)* $(,)?) $(-> $out:ty)?
     = $body:path $(, avx2 = $avx2:path)? $(, avx512 = $avx512:path)?) => {
        $(#[$meta])*
        $vis fn $name $(<$($g: $bound),+>)? (isa: $crate::kernels::Isa $(, $arg: $ty)*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2 $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $out)? {
                $crate::kernels::isa::own_or!([$($avx2)?] $body)($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(
                enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt"
            )]
            fn avx512 $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $out)? {
                $crate::kernels::isa::own_or!([$($avx512)?] $body)($($arg),*)
            }
            match isa.0 {
                $crate::kernels::isa::Level::Baseline => $body($($arg),*),
                // SAFETY: only `Isa::available` builds this value, after the CPU has reported every
                // feature that the function enables.
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::isa::Level::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::isa::Level::Avx512 => unsafe { avx512($($arg),*) },
            }
        }
    };
}
pub(crate) use dispatch;

/// The body of a level if it has its own, otherwise the common body.
#[cfg(target_arch = "x86_64")]
macro_rules! own_or {
    ([] $body:path) => {
        $body
    };
    ([$own:path] $body:path) => {
        $own
    };
}
#[cfg(target_arch = "x86_64")]
pub(crate) use own_or;
