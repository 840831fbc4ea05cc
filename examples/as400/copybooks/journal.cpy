      * Journal entries of the inventory file, as RCVJRNE ENTFMT(*TYPE1) gives them: a header, then the record's image.
      * JOENTT: PT a record was added, UB and UP its images before and after an update, DL it was deleted.
       01  JOURNAL-ENTRY.
           05  JOENTL              PIC 9(5).
           05  JOSEQN              PIC 9(10).
           05  JOCODE              PIC X.
           05  JOENTT              PIC X(2).
           05  JODATE              PIC X(6).
           05  JOTIME              PIC 9(6).
           05  JOJOB               PIC X(10).
           05  JOUSER              PIC X(10).
           05  JONBR               PIC 9(6).
           05  JOPGM               PIC X(10).
           05  JOOBJ               PIC X(10).
           05  JOLIB               PIC X(10).
           05  JOMBR               PIC X(10).
           05  JOCTRR              PIC 9(10).
           05  JOFLAG              PIC X.
           05  JOCCID              PIC 9(10).
           05  JOINCDAT            PIC X.
           05  JOMINESD            PIC X.
           05  JORES               PIC X(6).
           05  JOESD.
               10  ITEM            PIC X(8).
               10  DESCRIPTION     PIC X(30).
               10  UNIT-COST       PIC S9(7)V9(4) COMP-3.
               10  ON-HAND         PIC S9(7)     COMP-3.
               10  SITE OCCURS 3 TIMES.
                   15  SITE-CODE   PIC X(3).
                   15  SITE-QTY    PIC S9(5)     COMP.
