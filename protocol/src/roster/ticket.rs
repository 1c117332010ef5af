//! A ticket: one line of text that lets a newcomer in.
//!
//! Alice signs an `Invite` that names the public half of a fresh key, and hands Bob a ticket with the secret half, by
//! mail or on paper. Bob's node dials the addresses in it, proves to Alice's node that it holds the key
//! ([`Ticket::prove`]), receives the statements, shows Bob the charter, and signs his `Inception` and a `Redeem`. Whoever
//! holds the ticket can do this, until it expires, is used up or is taken back.
//!
//! The text survives what mail does to it: capitals, line breaks and spaces do not matter, and a checksum tells a typing
//! error from a cut.
//!
//! ```text
//! text    = "essaim" ‖ version character "1" ‖ base 32 of bytes
//! bytes   = length u16 (of all bytes) ‖ commons [32] ‖ council [32] ‖ invite [32] ‖ seed [32]
//!         ‖ count ‖ peers [32] … (≤ 4) ‖ count ‖ addresses (length ‖ multiaddr text) … (≤ 4) ‖ checksum [4]
//! checksum = BLAKE3.derive_key("essaim ticket checksum", version character ‖ bytes before it)[..4]
//! ```
//! Later versions keep the prefix, the length and the checksum, so that this one can tell them from a typing error.

use std::fmt;
use std::str::FromStr;

use crate::id::{CommonsId, DeviceKey, NetworkKey, StatementId, TicketKey, base32, from_base32};
use crate::sign::{BadSignature, Domain, Keys, Seed, Signature};
use crate::wire::{DecodeError, Reader, Write as _};

const PREFIX: &str = "essaim";
const VERSION: char = '1';
const CHECKSUM: usize = 4;
/// Most peers and most addresses: a ticket should fit in a QR code that a telephone reads.
const MAX_PEERS: usize = 4;
/// Most bytes of an address: a multiaddr through a relay has about 200.
const MAX_ADDRESS: usize = 256;

/// What a newcomer needs: which commons, by which right, and where somebody who is in can be reached.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The commons.
    pub commons: CommonsId,
    /// The statement that made the council of the day, so that a newcomer cannot be led to an older one.
    pub council: StatementId,
    /// The invite that this ticket redeems.
    pub invite: StatementId,
    /// The secret half of the ticket's key.
    pub seed: Seed,
    peers: Vec<NetworkKey>,
    addresses: Vec<String>,
}

/// Why a text is not a ticket that this version can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// It does not begin like one.
    #[error("this is not a ticket: a ticket begins with `essaim1`")]
    NotATicket,
    /// The end is missing.
    #[error("the ticket is cut short: copy it whole, up to its last character")]
    CutShort,
    /// A character is wrong, or something stands behind it.
    #[error("the ticket is mistyped: at least one character is wrong or too many")]
    Mistyped,
    /// Made by another version of the program.
    #[error("the ticket is of version `{0}`: update Essaim, or ask for a ticket of version 1")]
    OtherVersion(char),
    /// Whole, but not what a ticket holds: its maker is at fault.
    #[error("the ticket is not well made")]
    Malformed(#[source] DecodeError),
}

impl Ticket {
    /// A ticket for an invite, with up to 4 peers and addresses at which it can be redeemed; more are left out.
    #[must_use]
    pub fn new(
        commons: CommonsId,
        council: StatementId,
        invite: StatementId,
        seed: Seed,
        mut peers: Vec<NetworkKey>,
        mut addresses: Vec<String>,
    ) -> Self {
        peers.truncate(MAX_PEERS);
        addresses.retain(|address| is_address(address));
        addresses.truncate(MAX_PEERS);
        Self { commons, council, invite, seed, peers, addresses }
    }

    /// Nodes at which the ticket can be redeemed.
    #[must_use]
    pub fn peers(&self) -> &[NetworkKey] {
        &self.peers
    }

    /// Where they may be reached: multiaddrs, not checked beyond being printable.
    #[must_use]
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// The public half of the ticket's key, as the invite names it.
    #[must_use]
    pub fn key(&self) -> TicketKey {
        key(&self.seed)
    }

    /// The newcomer's proof to the node it dialled that it holds the ticket, good for this connection only: it covers both
    /// ends, in this order.
    #[must_use]
    pub fn prove(&self, newcomer: &NetworkKey, host: &NetworkKey) -> Signature {
        let parts = [&newcomer.0[..], &host.0, &self.commons.0, &self.invite.0];
        Keys::from_seed(&self.seed).sign(Domain::TICKET_SESSION, &parts)
    }
}

/// The public key of the ticket that holds `seed`.
#[must_use]
pub(super) fn key(seed: &Seed) -> TicketKey {
    TicketKey(Keys::from_seed(seed).key().0)
}

/// Checks what [`Ticket::prove`] made, against the key that the invite names.
///
/// # Errors
/// [`BadSignature`] when the proof is for another key, connection, commons or invite.
pub(super) fn verify_proof(
    proof: &Signature,
    ticket: &TicketKey,
    newcomer: &NetworkKey,
    host: &NetworkKey,
    commons: &CommonsId,
    invite: &StatementId,
) -> Result<(), BadSignature> {
    let parts = [&newcomer.0[..], &host.0, &commons.0, &invite.0];
    proof.verify(&DeviceKey(ticket.0), Domain::TICKET_SESSION, &parts)
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![0; 2];
        bytes.extend_from_slice(&self.commons.0);
        bytes.extend_from_slice(&self.council.0);
        bytes.extend_from_slice(&self.invite.0);
        bytes.extend_from_slice(self.seed.expose());
        bytes.put_uleb(self.peers.len() as u64);
        for peer in &self.peers {
            bytes.extend_from_slice(&peer.0);
        }
        bytes.put_uleb(self.addresses.len() as u64);
        for address in &self.addresses {
            bytes.put_bytes(address.as_bytes());
        }
        let length = (bytes.len() + CHECKSUM) as u16;
        bytes[..2].copy_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&checksum(VERSION, &bytes));
        write!(f, "{PREFIX}{VERSION}{}", base32(&bytes))
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
        let text = text.strip_prefix(PREFIX).ok_or(TicketError::NotATicket)?;
        let version = text.chars().next().ok_or(TicketError::CutShort)?;
        let bytes = whole_bytes(&text[version.len_utf8()..])?;
        let (content, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(TicketError::Mistyped)?;
        // Letters that are read as digits in the rest are so here too.
        let version = if matches!(version, 'i' | 'l') { VERSION } else { version };
        if *sum != checksum(version, content) {
            return Err(TicketError::Mistyped);
        }
        if version != VERSION {
            return Err(TicketError::OtherVersion(version));
        }
        read(content).map_err(TicketError::Malformed)
    }
}

/// The bytes of the base 32 text, if there are as many as they say themselves.
fn whole_bytes(text: &str) -> Result<Vec<u8>, TicketError> {
    if !text.is_ascii() {
        return Err(TicketError::Mistyped);
    }
    // Eight characters are five bytes, of which the first two are the length.
    let head = text.get(..8).ok_or(TicketError::CutShort)?;
    let head = from_base32(head).map_err(|_| TicketError::Mistyped)?;
    let length = usize::from(u16::from_le_bytes([head[0], head[1]]));
    if text.len() * 5 / 8 < length {
        return Err(TicketError::CutShort);
    }
    from_base32(text).ok().filter(|bytes| bytes.len() == length).ok_or(TicketError::Mistyped)
}

fn read(content: &[u8]) -> Result<Ticket, DecodeError> {
    let mut from = Reader::new(content);
    from.u16()?;
    let (commons, council, invite) = (CommonsId(from.array()?), StatementId(from.array()?), StatementId(from.array()?));
    let seed = Seed::new(from.array()?);
    let mut peers = Vec::new();
    for _ in 0..from.count("peers of a ticket", MAX_PEERS)? {
        peers.push(NetworkKey(from.array()?));
    }
    let mut addresses = Vec::new();
    for _ in 0..from.count("addresses of a ticket", MAX_PEERS)? {
        let address = from.text("an address", MAX_ADDRESS)?;
        if !is_address(address) {
            return Err(DecodeError::Invalid { what: "an address" });
        }
        addresses.push(address.to_owned());
    }
    from.end()?;
    Ok(Ticket { commons, council, invite, seed, peers, addresses })
}

fn is_address(text: &str) -> bool {
    text.starts_with('/') && text.len() <= MAX_ADDRESS && text.chars().all(|c| c.is_ascii_graphic())
}

fn checksum(version: char, content: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new_derive_key("essaim ticket checksum");
    hasher.update(version.encode_utf8(&mut [0; 4]).as_bytes());
    hasher.update(content);
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM]);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ticket() -> Ticket {
        Ticket::new(
            CommonsId([1; 32]),
            StatementId([1; 32]),
            StatementId([2; 32]),
            Seed::new([3; 32]),
            vec![NetworkKey([4; 32])],
            vec!["/ip4/192.0.2.7/udp/4001/quic-v1".into(), "/dns/essaim.example/tcp/4001".into()],
        )
    }

    /// Tickets are on paper and in mails: those of version 1 must go on letting people in.
    #[test]
    fn a_ticket_is_the_text_it_always_was() {
        let golden = include_str!("../../../tests/fixtures/wire/v1/ticket.txt");
        let golden = golden.lines().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap();
        assert_eq!(ticket().to_string(), golden);
        let read: Ticket = golden.parse().unwrap();
        assert_eq!((read.commons, read.council, read.invite), (ticket().commons, ticket().council, ticket().invite));
        assert_eq!(
            (read.key(), read.peers(), read.addresses()),
            (ticket().key(), ticket().peers(), ticket().addresses())
        );
    }

    fn parse(text: &str) -> Result<String, TicketError> {
        text.parse::<Ticket>().map(|ticket| ticket.to_string())
    }

    #[test]
    fn a_ticket_survives_capitals_line_breaks_and_spaces() {
        let text = ticket().to_string();
        assert_eq!(parse(&text), Ok(text.clone()));
        let parsed: Ticket = text.parse().unwrap();
        assert_eq!((parsed.peers(), parsed.addresses()), (ticket().peers(), ticket().addresses()));
        assert_eq!((parsed.invite, parsed.key()), (ticket().invite, ticket().key()));
        let mut wrapped = String::from("  ");
        for (at, c) in text.to_uppercase().chars().enumerate() {
            wrapped.push(c);
            if at % 76 == 75 {
                wrapped.push_str("\r\n\t");
            }
        }
        assert_eq!(parse(&wrapped), Ok(text));
    }

    #[test]
    fn what_is_no_ticket_says_so() {
        for text in ["", "bonjour", "essai", "https://essaim.example", "🐝", "tessaim1"] {
            assert_eq!(parse(text), Err(TicketError::NotATicket), "{text}");
        }
    }

    #[test]
    fn every_cut_is_called_a_cut() {
        let text = ticket().to_string();
        for length in PREFIX.len()..text.len() {
            assert_eq!(parse(&text[..length]), Err(TicketError::CutShort), "{length} characters");
        }
    }

    #[test]
    fn another_version_is_named_and_is_not_a_typing_error() {
        let text = ticket().to_string();
        let mut bytes = from_base32(&text[PREFIX.len() + 1..]).unwrap();
        let content = bytes.len() - CHECKSUM;
        let sum = checksum('2', &bytes[..content]);
        bytes[content..].copy_from_slice(&sum);
        assert_eq!(parse(&format!("essaim2{}", base32(&bytes))), Err(TicketError::OtherVersion('2')));
        assert_eq!(parse(&text.replacen("essaim1", "essaim2", 1)), Err(TicketError::Mistyped));
    }

    #[test]
    fn what_follows_a_ticket_is_not_swallowed() {
        assert_eq!(parse(&format!("{}0", ticket())), Err(TicketError::Mistyped));
        assert_eq!(parse(&format!("{} à bientôt", ticket())), Err(TicketError::Mistyped));
    }

    #[test]
    fn addresses_that_are_none_stay_out() {
        let addresses =
            vec!["not an address".into(), format!("/{}", "a".repeat(300)), "/ip4/127.0.0.1\u{1b}[2J".into()];
        let ticket =
            Ticket::new(CommonsId::ZERO, StatementId::ZERO, StatementId::ZERO, Seed::new([0; 32]), vec![], addresses);
        assert!(ticket.addresses().is_empty());
    }

    #[test]
    fn a_proof_holds_for_one_connection_in_one_direction() {
        let (ticket, bob, alice, eve) = (ticket(), NetworkKey([5; 32]), NetworkKey([6; 32]), NetworkKey([7; 32]));
        let proof = ticket.prove(&bob, &alice);
        let check =
            |newcomer, host, invite| verify_proof(&proof, &ticket.key(), newcomer, host, &ticket.commons, invite);
        assert_eq!(check(&bob, &alice, &ticket.invite), Ok(()));
        assert_eq!(check(&alice, &bob, &ticket.invite), Err(BadSignature));
        assert_eq!(check(&eve, &alice, &ticket.invite), Err(BadSignature));
        assert_eq!(check(&bob, &eve, &ticket.invite), Err(BadSignature));
        assert_eq!(check(&bob, &alice, &StatementId([9; 32])), Err(BadSignature));
    }

    proptest! {
        #[test]
        fn one_wrong_character_never_gives_another_ticket(at in 0usize..400, c in "[a-z0-9]") {
            let text = ticket().to_string();
            let at = at % text.len();
            let mut wrong = text.clone();
            wrong.replace_range(at..=at, &c);
            match parse(&wrong) {
                Ok(read) => prop_assert_eq!(read, text),
                Err(error) => prop_assert!(!matches!(error, TicketError::Malformed(_))),
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(essaim1)?\\PC{0,80}") {
            let _ = parse(&text);
        }
    }
}
