//! Ranks by an MPI communicator of mpi4py, so that the ordinary wheel serves clusters.

use harmonium::Error;
use harmonium::ranks::{Ranks, Transport};
use numpy::{Element, PyArray1, PyArrayMethods as _};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// A communicator of mpi4py.
#[derive(Debug)]
struct Communicator {
    comm: Py<PyAny>,
    rank: usize,
    size: usize,
}

/// The ranks of a communicator, or one that is alone.
pub fn ranks(comm: Option<&Bound<'_, PyAny>>) -> PyResult<Ranks> {
    let Some(comm) = comm else { return Ok(Ranks::default()) };
    let number = |name: &str| comm.call_method0(name).and_then(|n| n.extract());
    let (Ok(rank), Ok(size)) = (number("Get_rank"), number("Get_size")) else {
        let message = "comm must be a communicator of mpi4py, such as mpi4py.MPI.COMM_WORLD";
        return Err(PyTypeError::new_err(message));
    };
    Ok(Ranks::new(Communicator { comm: comm.clone().unbind(), rank, size }))
}

impl Communicator {
    /// Calls a method with arrays.
    fn call<T>(&self, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> harmonium::Result<T> {
        let failed = |cause: PyErr| Error::Ranks { what: format!("mpi4py: {cause}") };
        Python::attach(|py| call(self.comm.bind(py)).map_err(failed))
    }

    /// Replaces numbers by those of all ranks together, by an operation of mpi4py.
    fn reduce<T: Element + Copy>(
        &self,
        values: &mut [T],
        operation: &str,
    ) -> harmonium::Result<()> {
        self.call(|comm| {
            let py = comm.py();
            let operation = py.import("mpi4py.MPI")?.getattr(operation)?;
            let (own, all) = (PyArray1::from_slice(py, values), PyArray1::from_slice(py, values));
            comm.call_method1("Allreduce", (own, &all, operation))?;
            values.copy_from_slice(all.readonly().as_slice()?);
            Ok(())
        })
    }
}

impl Transport for Communicator {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&self, own: &[u8], all: &mut [u8], lengths: &[usize]) -> harmonium::Result<()> {
        self.call(|comm| {
            let py = comm.py();
            let (own, found) = (PyArray1::from_slice(py, own), PyArray1::from_slice(py, all));
            comm.call_method1("Allgatherv", (own, (&found, lengths.to_vec())))?;
            all.copy_from_slice(found.readonly().as_slice()?);
            Ok(())
        })
    }

    fn exchange(
        &self,
        sent: &[u8],
        sent_lengths: &[usize],
        received: &mut [u8],
        received_lengths: &[usize],
    ) -> harmonium::Result<()> {
        self.call(|comm| {
            let py = comm.py();
            let (sent, found) =
                (PyArray1::from_slice(py, sent), PyArray1::from_slice(py, received));
            let (to, from) = (sent_lengths.to_vec(), received_lengths.to_vec());
            comm.call_method1("Alltoallv", ((sent, to), (&found, from)))?;
            received.copy_from_slice(found.readonly().as_slice()?);
            Ok(())
        })
    }

    fn sum(&self, values: &mut [i64]) -> harmonium::Result<()> {
        self.reduce(values, "SUM")
    }

    fn max(&self, values: &mut [u32]) -> harmonium::Result<()> {
        self.reduce(values, "MAX")
    }
}
