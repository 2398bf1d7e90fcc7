//! Which controls each section serves. A section shows what its line says and no more: whether a control
//! is met is for the auditor to say.

use super::Section;
use serde::Serialize;

/// A control, and what a section shows for it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Control {
    /// The section.
    pub section: Section,
    /// The standard, with its version.
    pub standard: &'static str,
    /// Where in it.
    pub reference: &'static str,
    /// What the section shows for it.
    pub shows: &'static str,
}

/// NIST SP 800-57 part 1 revision 5, Recommendation for Key Management: General (2020).
const SP_800_57: &str = "NIST SP 800-57 pt 1 r5";
/// NIST SP 800-130, A Framework for Designing Cryptographic Key Management Systems (2013).
const SP_800_130: &str = "NIST SP 800-130";
/// PCI PIN Security, Requirements and Testing Procedures, version 3.1 (2021).
const PCI_PIN: &str = "PCI PIN v3.1";
/// Payment Card Industry Data Security Standard, version 4.0.1 (2024).
const PCI_DSS: &str = "PCI DSS v4.0.1";
/// AICPA, 2017 Trust Services Criteria (TSP section 100).
const SOC_2: &str = "SOC 2 (TSC 2017)";
/// EN 419 221-5:2018, Cryptographic Module for Trust Services, by the names of its requirements.
const EN_419_221_5: &str = "EN 419 221-5:2018";

macro_rules! controls {
    ($($section:ident { $($standard:ident $reference:literal, $shows:literal;)* })*) => {
        /// All of them, in the order of the sections.
        pub const CONTROLS: &[Control] = &[$($(Control {
            section: Section::$section,
            standard: $standard,
            reference: $reference,
            shows: $shows,
        },)*)*];
    };
}

controls! {
    Inventory {
        SP_800_57 "5.3.6, table 1", "how long each key's current version has been in use, against the suggested cryptoperiod";
        SP_800_57 "9.2 (inventory management)", "every key with its owner, purpose, specification, origin and state";
        SP_800_130 "6.2 (key metadata), 6.3 (key states)", "the metadata that is held of each key";
        PCI_DSS "3.6.1.1", "algorithm, strength, usage and expiry of each key";
        PCI_DSS "3.7.4", "keys that are at or over the end of their cryptoperiod";
        PCI_DSS "3.7.5", "keys that are disabled or wait for their destruction";
        SOC_2 "CC6.1", "the inventory of cryptographic keys";
    }
    Protection {
        SP_800_57 "6.2.2 (information in storage)", "that private and secret keys are objects of a token, and what the token says of them";
        SP_800_130 "6.5 (keys in storage)", "how each key version is held";
        PCI_PIN "Requirement 5", "which keys the token generated, by which mechanism";
        PCI_PIN "Requirement 18", "that the object under each key's id is still the one that was made, where the token was read";
        PCI_PIN "Requirement 21", "the form in which each key exists";
        PCI_DSS "3.6.1.2", "that secret and private keys are within a cryptographic device";
        PCI_DSS "3.7.1", "the mechanism by which the token generated each key";
        PCI_DSS "3.7.7", "whether any object differs from its birth certificate";
        SOC_2 "CC6.1", "the protection of cryptographic keys in storage";
        EN_419_221_5 "FDP_IFF.1/KeyBasics", "the attributes by which the module says that a key cannot be exported; its certificate is the vendor's";
    }
    Access {
        SP_800_57 "5.2 (key usage)", "that each key has one use, and who has it";
        SP_800_130 "6.7.1 (access control system)", "who may call which functions on each key";
        PCI_PIN "Requirement 19", "that no key has more than its one purpose";
        PCI_PIN "Requirement 25", "who has access to each key";
        PCI_DSS "3.6.1", "how few can use, manage or destroy each key";
        SOC_2 "CC6.3", "access by role, and who holds both use and management";
    }
    Use {
        SP_800_57 "9.3 (accountability)", "who used each key, how often, and when";
        PCI_DSS "10.2.1.1", "access by each identity to the keys that protect data";
        SOC_2 "CC7.2", "the course of use, in which an anomaly is seen";
    }
    Denials {
        PCI_DSS "10.2.1.4", "attempts that authorization refused; failed authentication is not in the audit log";
        SOC_2 "CC7.2, CC7.3", "refusals by identity, operation and resource";
    }
    Changes {
        SP_800_57 "9.4 (audit)", "every change of a key, an identity or a permission";
        SP_800_130 "8.2.4 (auditing and remote monitoring)", "administrative events, with time and principal";
        PCI_PIN "Requirement 26", "records of changes to keys; of components on paper nothing is known here";
        PCI_DSS "10.2.1.2", "acts of administrators";
        PCI_DSS "10.2.1.5", "changes of users, roles, policies and access keys";
        PCI_DSS "10.2.1.7", "creation and deletion of keys";
        SOC_2 "CC6.2, CC6.3", "the granting and removal of access";
    }
    DualControl {
        SP_800_130 "6.7.4 (multiparty control)", "what needed several people, and who they were";
        PCI_DSS "3.7.6", "dual control of the operations that a rule names; what is done with clear text before an import is not seen here";
        SOC_2 "CC6.3", "segregation of duties between who asks and who approves";
    }
    Checkpoints {
        SP_800_130 "8.2.4 (auditing and remote monitoring)", "that the log is signed, from which size to which";
        PCI_DSS "10.3.2", "signatures over the log's whole content";
        PCI_DSS "10.3.4", "by which a change of the log is detected: strongroom audit verify";
        SOC_2 "CC7.2", "the completeness of what is monitored";
        EN_419_221_5 "FAU_STG.2", "protection of the gateway's log; the module's own log is the vendor's";
    }
    Exceptions {
        PCI_DSS "10.4.1", "what a review of the logs should look at";
        SOC_2 "CC7.1, CC7.3", "findings for evaluation";
    }
}
