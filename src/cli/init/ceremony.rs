//! `strongroom init --ceremony`: who is there, by options or by asking, and where the transcript goes.

use crate::Error;
use crate::cli::failed;
use crate::cli::new_file::NewFile;
use crate::gateway::{Ceremony, CustodyStep, Initialised};
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

/// Options of a ceremony.
#[derive(clap::Args)]
#[group(skip)] // `init` has one of this name
pub(super) struct Arguments {
    /// Make the first set-up a ceremony: write its transcript to this new file, and its facts to the
    /// audit log as the first record. Asks for whatever names are not given; see docs/ceremony.md.
    #[arg(long, value_name = "TRANSCRIPT", requires = "out")]
    ceremony: Option<PathBuf>,
    /// Who did what with a PIN, as "NAME: WHAT", in order; may be given several times. Never the PIN
    /// itself.
    #[arg(long, value_name = "STEP", requires = "ceremony", value_parser = custody_step)]
    custody: Vec<CustodyStep>,
    /// Who watched; may be given several times.
    #[arg(long, value_name = "NAME", requires = "ceremony")]
    witness: Vec<String>,
}

fn custody_step(text: &str) -> Result<CustodyStep, String> {
    let (custodian, step) = text.split_once(": ").ok_or("it is no \"NAME: WHAT\"")?;
    Ok(CustodyStep {
        custodian: custodian.trim().to_owned(),
        step: step.trim().to_owned(),
    })
}

impl Arguments {
    /// Asks who is there, and makes the transcript's file; `None` where it is no ceremony.
    ///
    /// # Errors
    /// The file cannot be made; nobody is there to be asked.
    pub(super) fn begin(self) -> Result<Option<(NewFile, Ceremony)>, Error> {
        let Some(path) = &self.ceremony else {
            return Ok(None);
        };
        let operator = format!("uid {}", rustix::process::getuid().as_raw());
        let mut ceremony = Ceremony {
            custody: self.custody,
            witnesses: self.witness,
            operator,
        };
        let input = std::io::stdin();
        if input.is_terminal() {
            ask(&mut ceremony, input.lock(), std::io::stderr())?;
        }
        let transcript = NewFile::create(path, "the transcript")?;
        Ok(Some((transcript, ceremony)))
    }
}

/// Keeps the transcript, and prints it.
///
/// # Errors
/// It cannot be kept: then it is printed all the same.
pub(super) fn end(file: Option<&mut NewFile>, done: &Initialised) -> Result<(), Error> {
    let (Some(file), Some(transcript)) = (file, &done.transcript) else {
        return Ok(());
    };
    println!("\n{transcript}");
    file.keep(transcript)?;
    println!("transcript in {}", file.path().display());
    Ok(())
}

/// Asks for what was not given.
fn ask(
    ceremony: &mut Ceremony,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<(), Error> {
    let mut line = |question: &str| {
        let mut answer = String::new();
        let asked = write!(output, "{question}: ").and_then(|()| output.flush());
        let read = asked.and_then(|()| input.read_line(&mut answer));
        read.map_err(|error| failed(format!("cannot ask: {error}")))?;
        let answer = answer.trim().to_owned();
        Ok::<_, Error>((!answer.is_empty()).then_some(answer))
    };
    if ceremony.custody.is_empty() {
        while let Some(custodian) = line("Who did something with a PIN, next (nothing to end)")? {
            if let Some(step) = line("What did they do; not the PIN itself")? {
                ceremony.custody.push(CustodyStep { custodian, step });
            }
        }
    }
    if ceremony.witnesses.is_empty() {
        while let Some(witness) = line("Who watched, next (nothing to end)")? {
            ceremony.witnesses.push(witness);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(given: Ceremony, answers: &str) -> (Ceremony, String) {
        let (mut ceremony, mut output) = (given, Vec::new());
        ask(&mut ceremony, answers.as_bytes(), &mut output).unwrap();
        (ceremony, String::from_utf8(output).unwrap())
    }

    #[test]
    fn asks_for_what_was_not_given() {
        let nobody = Ceremony {
            custody: Vec::new(),
            witnesses: Vec::new(),
            operator: String::new(),
        };
        let step = custody_step("Ada: set the user PIN: alone").unwrap();
        assert_eq!(step.step, "set the user PIN: alone");
        let answers = "Ada\n set the user PIN: alone\nBob\n\n\nGrace\nEdsger\n\n";
        let (ceremony, questions) = asked(nobody.clone(), answers);
        assert_eq!(ceremony.custody, std::slice::from_ref(&step));
        assert_eq!(ceremony.witnesses, ["Grace", "Edsger"]);
        assert!(questions.starts_with("Who did something with a PIN"));

        let given = Ceremony {
            custody: vec![step],
            ..nobody
        };
        let (ceremony, questions) = asked(given, "Grace\n");
        assert_eq!((ceremony.custody.len(), ceremony.witnesses.len()), (1, 1));
        assert!(questions.starts_with("Who watched"), "{questions}");
        assert!(custody_step("nobody did it").is_err());
    }
}
