10 REM CHECK.PEER: a transfer is spoken of only while its payee is the peer of the session (6985)
20 IF PD.KIND = TRANSFER AND (PEER.VERIFIED = 0 OR PD.TO <> PEER) THEN RETURN 6985
