10 REM TAKE.GROUPS: keeps the groups of a block until the last one is there
20 LET AT = 0
30 GOSUB NEXT.GROUP
40 LET GROUP(DGI) = VALUE
50 LET AT = NEXT.AT
60 IF AT < LENGTH(DATA) THEN GOTO 30
